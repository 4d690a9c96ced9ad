"""What `compare`, `evaluate` and `tune` share: the protocol's options, tables and reports."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from palate.cli.terminal import Terminal

if TYPE_CHECKING:
    from palate.evaluate.comparison import Comparison

__all__ = [
    "HtmlFile",
    "K",
    "MarkdownFile",
    "Seed",
    "Split",
    "TestRatio",
    "protocol_flags",
    "show",
]

Split = Annotated[
    str | None, typer.Option(help="How to cut off the test part: stratified, global-time, ...")
]
TestRatio = Annotated[float | None, typer.Option(help="The test part, from 0 to 1.")]
K = Annotated[int | None, typer.Option("--k", "-k", help="Items a user.")]
Seed = Annotated[int | None, typer.Option(help="Of everything that is drawn.")]
MarkdownFile = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE", help="Write the table here.")
]
HtmlFile = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write the report here.")
]


def protocol_flags(
    split: str | None, test_ratio: float | None, k: int | None, seed: int | None
) -> dict[str, Any]:
    """The flags that were given, nested like the settings file."""
    given = {"split": split, "test_ratio": test_ratio, "k": k, "seed": seed}
    chosen = {name: value for name, value in given.items() if value is not None}
    return {"evaluate": chosen} if chosen else {}


def show(
    terminal: Terminal, comparison: Comparison, *, markdown: Path | None, html: Path | None
) -> None:
    """Answer with the table, and write the files that were asked for."""
    if markdown is not None:
        markdown.write_text(comparison.to_markdown())
        terminal.say(f"table: {markdown}")
    if html is not None:
        html.write_text(comparison.to_html())
        terminal.say(f"report: {html}")
    if not terminal.json and sys.stdout.isatty():
        from rich.console import Console

        Console().print(comparison.to_table())
        return
    terminal.answer(json.loads(comparison.to_json()), comparison.to_markdown().rstrip())

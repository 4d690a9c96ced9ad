"""The reference of all commands, made from the commands themselves, for `docs/cli.md`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from palate.cli.main import app

__all__ = ["BEGIN", "END", "filled", "reference"]

BEGIN = "<!-- reference: python -m palate.cli.reference docs/cli.md -->"
END = "<!-- /reference -->"


def reference() -> str:
    """Every command with its arguments and options, as Markdown."""
    group: Any = typer.main.get_command(app)
    lines = ["## Options of every command", "", *_parameters(group)]
    for name in group.list_commands(None):
        lines += _command(group.get_command(None, name), f"palate {name}", level=2)
    return "\n".join(lines).rstrip() + "\n"


def filled(text: str) -> str:
    """`text` with the reference between its two markers.

    Raises:
        ValueError: A marker is missing.
    """
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{reference()}\n{END}{after}"


def _command(command: Any, path: str, *, level: int) -> Iterator[str]:
    yield from ("", f"{'#' * level} `{path}`", "", inspect.cleandoc(command.help or ""))
    parameters = list(_parameters(command))
    yield from ["", *parameters] if parameters else []
    for name, inner in getattr(command, "commands", {}).items():
        yield from _command(inner, f"{path} {name}", level=level + 1)


def _parameters(command: Any) -> Iterator[str]:
    shown = [p for p in command.params if p.name not in {"help", *_COMPLETION}]
    for parameter in shown:
        yield f"- {_signature(parameter)}: {parameter.help or ''}{_default(parameter)}"


_COMPLETION = ("install_completion", "show_completion")


def _signature(parameter: Any) -> str:
    placeholder = parameter.metavar or parameter.name.upper()
    if parameter.param_type_name == "argument":
        return f"`{placeholder}`" + ("" if parameter.required else " (optional)")
    names = [*sorted(parameter.opts, key=len, reverse=True), *parameter.secondary_opts]
    value = "" if parameter.is_flag else f" {placeholder}"
    return ", ".join(f"`{name}{value}`" for name in names)


def _default(parameter: Any) -> str:
    default = parameter.default
    if parameter.required or default in (None, "", (), []) or isinstance(default, bool):
        return ""
    return f" Default: `{default}`."


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(filled(page.read_text()))

"""How the command line speaks: answers on stdout, messages and progress on stderr."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer

if TYPE_CHECKING:
    from palate.types import Progress

__all__ = ["Terminal", "plain"]


@dataclass(frozen=True)
class Terminal:
    """Prints for a person, or (`json`) for a program.

    Attributes:
        json: Answers are one JSON document each.
        quiet: No messages, no progress; answers, warnings and errors still show.
    """

    json: bool = False
    quiet: bool = False

    def answer(self, data: object, text: str) -> None:
        """What was asked for: `data` as JSON, or `text` for a person."""
        typer.echo(json.dumps(plain(data), ensure_ascii=False) if self.json else text)

    def line(self, data: object) -> None:
        """One line of JSON of a stream."""
        typer.echo(json.dumps(plain(data), ensure_ascii=False))

    def say(self, text: str) -> None:
        """A message; left out when quiet."""
        if not self.quiet:
            typer.echo(text, err=True)

    def tell(self, text: str) -> None:
        """A story for a person: on stdout, unless that is a program's; left out when quiet."""
        if not self.quiet:
            typer.echo(text, err=self.json)

    def warn(self, text: str) -> None:
        """A warning; shown when quiet, too."""
        typer.echo(f"{self.style('warning:', 'yellow', err=True)} {text}", err=True)

    def fail(self, message: str, *, hint: str | None) -> None:
        """What went wrong, and on a line of its own what to do."""
        typer.echo(f"{self.style('error:', 'red', err=True)} {message}", err=True)
        if hint is not None:
            typer.echo(f"  next: {hint}", err=True)

    def style(self, text: str, colour: str | None = None, *, err: bool = False) -> str:
        """`text` in bold (and a colour) where the stream is a terminal that wants it."""
        if not coloured(sys.stderr if err else sys.stdout):
            return text
        return typer.style(text, fg=colour, bold=True)

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """A bar for anything that may take over a second; silent where nobody watches."""
        if self.quiet or not sys.stderr.isatty():
            yield _unwatched
            return
        from palate.cli.progress import ProgressBar

        with ProgressBar() as bar:
            yield bar


def _unwatched(done: int, total: int, what: str) -> None:
    """Nobody is looking."""


def coloured(stream: TextIO) -> bool:
    """A terminal, and NO_COLOR (https://no-color.org) is not set."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def plain(value: Any) -> Any:
    """`value` as JSON knows it: NaN and infinity become null, times ISO 8601."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, str | int | bool) or value is None:
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Sequence | set | frozenset):
        return [plain(inner) for inner in value]
    raise TypeError(f"{type(value).__name__} has no place in JSON output")

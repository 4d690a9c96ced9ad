"""The typer application that each command module fills."""

from __future__ import annotations

import sys

import typer

__all__ = ["command_app"]


def command_app(about: str | None = None) -> typer.Typer:
    """An application with the program's manners: plain help in pipes, no wrapped tracebacks.

    Args:
        about: Help text, for a group of several commands.
    """
    return typer.Typer(
        help=about,
        add_completion=False,
        no_args_is_help=about is not None,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich" if sys.stdout.isatty() else None,
    )

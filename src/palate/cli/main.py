"""The `palate` command: the program's own options, and the table of commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from palate import __version__
from palate.cli.group import LazyGroup
from palate.cli.session import Session
from palate.cli.terminal import Terminal

__all__ = ["PalateGroup", "app", "main"]

EPILOG = "--settings, --home, --json, --quiet and --debug may stand before or after the command."


class PalateGroup(LazyGroup):
    """All commands, in the order in which a newcomer meets them."""

    modules: ClassVar[dict[str, str]] = {
        "demo": "palate.cli.demo.command",
        "init": "palate.cli.init",
        "import": "palate.cli.import_",
        "train": "palate.cli.train",
        "tune": "palate.cli.tune",
        "evaluate": "palate.cli.evaluate",
        "compare": "palate.cli.compare",
        "release": "palate.cli.release",
        "serve": "palate.cli.serve",
        "recommend": "palate.cli.recommend",
        "similar": "palate.cli.similar",
        "explain": "palate.cli.explain",
        "surface": "palate.cli.surface",
        "index": "palate.cli.index",
        "events": "palate.cli.events.command",
        "keys": "palate.cli.keys",
        "privacy": "palate.cli.privacy",
        "audit": "palate.cli.audit",
        "backup": "palate.cli.backup",
        "restore": "palate.cli.restore",
        "doctor": "palate.cli.doctor.command",
    }


app = typer.Typer(
    name="palate",
    cls=PalateGroup,
    epilog=EPILOG,
    add_completion=True,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Drawing boxes costs an import of rich; a pipe or a test wants plain text anyway.
    rich_markup_mode="rich" if sys.stdout.isatty() else None,
)


def _version(value: bool) -> None:  # noqa: FBT001 - typer calls it so
    if value:
        typer.echo(f"palate {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    *,
    settings: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Settings file; palate.toml here by default."),
    ] = None,
    home: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where Palate keeps its files; over the settings."),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Answer in JSON on stdout; messages go to stderr.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No messages, no progress.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Recommendations, from a log of what people do to an HTTP service.

    A first look: palate demo. With data of your own: init, import, compare, train --promote,
    serve.
    """
    ctx.obj = Session(
        settings_file=settings,
        home=home,
        debug=debug,
        terminal=Terminal(json=json, quiet=quiet),
    )


def main() -> None:
    """The entry point of the `palate` command."""
    app()

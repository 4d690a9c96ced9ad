"""`palate init`: write a commented palate.toml from a look at the user's files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from palate.cli.apps import command_app
from palate.cli.session import session_of
from palate.errors import ConfigError

__all__ = ["app", "init"]

app = command_app()


@app.command()
def init(
    ctx: typer.Context,
    *,
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Interactions, items, users: CSV, Parquet or JSON Lines, any order."),
    ] = None,
    output: Annotated[Path, typer.Option(help="Where to write.")] = Path("palate.toml"),
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
) -> None:
    """Write a commented palate.toml from a look at FILES.

    Columns and kinds of attributes are guessed, each guess with its reason.
    """
    terminal = session_of(ctx).terminal
    if output.exists() and not force:
        raise ConfigError(f"{output} exists and is left alone", hint="palate init --force")
    from palate.data.infer import infer
    from palate.data.init_file import render

    found = infer(files or [])
    output.write_text(render(found))
    lines = [f"  {g.table}.{g.column}: {g.meaning} ({g.reason})" for g in found.guesses]
    terminal.answer(
        {
            "path": output,
            "files": {role: str(path) for role, path in found.files.items()},
            "guesses": [asdict(guess) for guess in found.guesses],
        },
        "\n".join([*lines, f"wrote {output}"]),
    )
    if found.files:
        terminal.say(f"look it over; the command to import is at the top of {output}")

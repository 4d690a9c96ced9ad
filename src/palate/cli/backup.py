"""`palate backup`: copy a home while it is in use, with checksums."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from palate.cli.apps import command_app
from palate.cli.session import session_of

__all__ = ["app"]

app = command_app()


@app.command()
def backup(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Made; it holds the files and manifest.json.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace an older backup there.")] = False,
) -> None:
    """Copy all that home keeps to FOLDER, while a service may run.

    That is: log, consumer groups, dead letters, registry, releases, item embeddings and index
    snapshots. The state is left out: restore rebuilds it. So is the settings file, which is yours
    to keep. The copy holds secrets: keep it where only you can read.
    """
    from palate.features.backup import backup_home

    session = session_of(ctx)
    manifest = backup_home(session.settings.home, folder, overwrite=force)
    session.terminal.answer(
        {
            "folder": str(folder),
            "files": len(manifest.files),
            "bytes": manifest.bytes,
            **manifest.about,
        },
        f"{folder}: {len(manifest.files)} files, {manifest.bytes / 1e6:,.1f} MB, the log up to "
        f"offset {manifest.about['log_head']:,}\nput it back: palate restore {folder}",
    )

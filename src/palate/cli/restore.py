"""`palate restore`: put a backup back, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from palate.cli.apps import command_app
from palate.cli.session import session_of
from palate.errors import StoreError

__all__ = ["app"]

app = command_app()


@app.command()
def restore(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="What palate backup made.")],
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only compare every byte with its checksum.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace what home holds; it is gone then.")
    ] = False,
) -> None:
    """Put the backup in FOLDER in the place of what home holds.

    The state is rebuilt from it. Every file is proved by its checksum before anything is changed,
    and once more after it was copied. A restore that is cut short has changed nothing, or is
    finished by the next start.
    """
    from palate.features.backup import restore_home
    from palate.serve.lock import running_service
    from palate.store.backup import verify_backup

    session = session_of(ctx)
    home = session.settings.home
    if check:
        manifest = verify_backup(folder)
    else:
        running = running_service(home)
        if running is not None:
            raise StoreError(
                f"a service runs on {home} (process {running.pid})",
                hint=f"stop it first: kill {running.pid}",
            )
        manifest = restore_home(folder, home, session.settings, overwrite=force)
    what = "is whole" if check else f"is restored to {home}"
    session.terminal.answer(
        {
            "folder": str(folder),
            "made_at": manifest.made_at,
            "files": len(manifest.files),
            "bytes": manifest.bytes,
            "restored": not check,
            **manifest.about,
        },
        f"{folder} of {manifest.made_at} {what}: {len(manifest.files)} files, "
        f"{manifest.bytes / 1e6:,.1f} MB, the log up to offset {manifest.about['log_head']:,}",
    )

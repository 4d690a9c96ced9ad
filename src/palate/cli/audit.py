"""`palate audit`: who changed items, users, releases, keys, and whose data were seen or erased."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import Annotated

import typer

from palate.cli.apps import command_app
from palate.cli.layout import table
from palate.cli.session import session_of

__all__ = ["app", "audit"]

app = command_app()


@app.command()
def audit(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, help="So many entries, the newest.")] = 50,
) -> None:
    """Show who changed what and when, newest first.

    People are named by a keyed hash: what stands here is never erased.
    """
    from palate.store.audit import Audit
    from palate.store.database import REGISTRY, Database

    session = session_of(ctx)
    with closing(Database(session.settings.home / REGISTRY)) as database:
        found = Audit(database).recent(limit)
    headers = ["at (UTC)", "who", "action", "what", "alias", "previous", "why"]
    rows = [
        [f"{e.at:%Y-%m-%d %H:%M:%S}", e.who, e.action, e.ref, e.alias, e.previous, e.why or None]
        for e in found
    ]
    session.terminal.answer(
        [asdict(entry) for entry in found], table(headers, rows) if rows else "nothing yet"
    )

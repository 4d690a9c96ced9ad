"""`palate import`: a public data set, or the user's files, into the event log."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from palate.cli.appender import append_all
from palate.cli.apps import command_app
from palate.cli.public_sets import is_public, load_public
from palate.cli.session import Session, session_of
from palate.cli.user_files import UserFiles, column_names, load_files
from palate.errors import ConfigError

if TYPE_CHECKING:
    from palate.data.dataset import Dataset
    from palate.data.infer import Inferred

__all__ = ["app", "import_"]

app = command_app()

FILES = "files"  # what event ids of the user's own files begin with


@app.command("import")
def import_(
    ctx: typer.Context,
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE|FILES",
            help="A public set (ml-100k, ml-1m, ml-latest-small, generated), or files of "
            "interactions: CSV, Parquet or JSON Lines.",
        ),
    ],
    *,
    items: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file of items and attributes.")
    ] = None,
    users: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file of users and attributes.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="Columns with other names: user_id=uid,item_id=sku,timestamp=at."),
    ] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Accept the terms of a public set.")
    ] = False,
) -> None:
    """Append a public set, or your own files, to the log.

    The same data a second time add nothing. A palate.toml is written where there is none.
    """
    session = session_of(ctx)
    if len(what) == 1 and not Path(what[0]).is_file() and is_public(what[0]):
        if items or users or columns:
            raise ConfigError(f"{what[0]} is a public set", hint="leave --items and the like out")
        with session.terminal.progress() as progress:
            dataset = load_public(
                session, what[0], accept_licence=accept_licence, progress=progress
            )
        _declare(session, dataset, None)
        _append(session, dataset, prefix=what[0])
        return
    files = UserFiles([Path(name) for name in what], items, users, column_names(columns))
    dataset, inferred = load_files(files, session.settings.schema_)
    _declare(session, dataset, inferred)
    _append(session, dataset, prefix=FILES)


def _declare(session: Session, dataset: Dataset, inferred: Inferred | None) -> None:
    """Write palate.toml where there is none; where there is one, name what it leaves out."""
    file = session.settings_file or Path("palate.toml")
    if not file.exists():
        from palate.data.init_file import render, render_schema

        file.write_text(render_schema(dataset.schema) if inferred is None else render(inferred))
        session.terminal.say(f"wrote {file}: event types and attributes, as found in the data")
        return
    declared = session.settings.events
    for event, kind in dataset.schema.events.items():
        if event not in declared and kind.value == "multiply":
            session.terminal.warn(
                f"{file} does not declare the event {event!r}: it weighs 1 and its value is "
                f'ignored; to use the value, add [events.{event}] with value = "multiply"'
            )


def _append(session: Session, dataset: Dataset, *, prefix: str) -> None:
    from palate.data.from_log import dataset_to_events
    from palate.serve.remote import open_ingest_or_writer

    terminal = session.terminal
    total = len(dataset) + dataset.items.height + dataset.users.height
    with (
        terminal.progress() as progress,
        closing(open_ingest_or_writer(session.settings, progress)) as appender,
    ):
        events = dataset_to_events(dataset, prefix=prefix)
        counts = append_all(appender, events, total=total, progress=progress)
    terminal.answer(
        {
            "source": dataset.name,
            "interactions": len(dataset),
            "users": dataset.n_users,
            "items": dataset.n_items,
            "new": counts.accepted,
            "duplicates": counts.duplicate,
        },
        f"{dataset.name}: {len(dataset):,} interactions of {dataset.n_users:,} users on "
        f"{dataset.n_items:,} items\n{counts}",
    )

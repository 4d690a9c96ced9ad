"""`palate index`: list the snapshots of the live catalogue's index, go back to the one before."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from palate.cli.apps import command_app
from palate.cli.layout import table
from palate.cli.session import Session, session_of
from palate.errors import BundleError, ConfigError

if TYPE_CHECKING:
    from palate.config import Settings
    from palate.retrieval.snapshot import Entry, Manifest, Snapshots
    from palate.store.base import Pointer

__all__ = ["app", "list_", "rollback"]

app = command_app("The live catalogue's index: its snapshots, and the way back.")


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the snapshots of each space: what answers now, and what did before.

    A space is that of a release's nets. One that is no longer embedded is of nets that no
    alias names any more.
    """
    from palate.retrieval.spaces import Spaces

    session = session_of(ctx)
    with _snapshots(session) as (snapshots, pointer):
        embedded, _ = Spaces(pointer).read()
        found = [
            _plain(snapshots, space, entry, is_newest=at == 0, is_embedded=space in embedded)
            for space in snapshots.spaces()
            for at, entry in enumerate(_entries(snapshots, space))
        ]
    rows = [
        [
            one["space"], one["stands"], one["snapshot"].rpartition("/")[2], one["items"],
            _time(one["made_at"]), one["embeddings_offset"],
            "yes" if one["embedded"] else "no",
        ]
        for one in found
    ]  # fmt: skip
    headers = ["space", "stands", "snapshot", "items", "made (UTC)", "reflects", "embedded"]
    said = table(headers, rows, widest=64) if rows else _none(session.settings)
    session.terminal.answer(found, said)
    for one in found:
        if one["fault"] is not None:
            session.terminal.warn(one["fault"])


@app.command()
def rollback(
    ctx: typer.Context,
    space: Annotated[
        str, typer.Argument(help="As `palate index list` shows it, or how only it begins.")
    ],
    *,
    reason: Annotated[
        str, typer.Option(help="Why; kept in the audit.")
    ] = "rolled back on the command line",
) -> None:
    """Let a space be answered from the snapshot before; the newest is forgotten.

    A running service follows within a second, and changes of items since then are in it. The
    indexer goes on from there, too.
    """
    session = session_of(ctx)
    with _snapshots(session) as (snapshots, _):
        name = _one(snapshots.spaces(), space, session.settings)
        newest = next(iter(_entries(snapshots, name)), None)
        before = snapshots.roll_back(name, leaving=newest)
        manifest = snapshots.manifest(before)
    left = None if newest is None else newest.snapshot
    _note(session.settings, before.snapshot, previous=left, why=reason)
    session.terminal.answer(
        {"space": name, "left": left, **_shown(before, manifest)},
        f"{name} is answered from {before.snapshot.rpartition('/')[2]} again: "
        f"{manifest.items:,} items, made {_time(_made_at(manifest))} UTC",
    )
    session.terminal.say(_next(session.settings))


@contextmanager
def _snapshots(session: Session) -> Iterator[tuple[Snapshots, Pointer]]:
    from palate.retrieval.processes import open_snapshots
    from palate.store.chosen import open_pointer

    settings = session.settings
    with closing(open_pointer(settings.home, settings)) as pointer:
        yield open_snapshots(settings, pointer), pointer


def _entries(snapshots: Snapshots, space: str) -> Sequence[Entry]:
    found = snapshots.pointed(space)
    return () if found is None else found[0].entries


def _plain(
    snapshots: Snapshots, space: str, entry: Entry, *, is_newest: bool, is_embedded: bool
) -> dict[str, Any]:
    """A row; of a snapshot that is damaged, what the pointer says and why there is no more."""
    manifest, fault = None, None
    try:
        manifest = snapshots.manifest(entry)
    except BundleError as error:
        fault = error.message
    stands = "answers" if is_newest else "before"
    return {
        "space": space,
        "stands": stands if fault is None else f"{stands}, damaged",
        **_shown(entry, manifest),
        "embedded": is_embedded,
        "fault": fault,
    }


def _shown(entry: Entry, manifest: Manifest | None) -> dict[str, Any]:
    return {
        "snapshot": entry.snapshot,
        "items": None if manifest is None else manifest.items,
        "made_at": None if manifest is None else _made_at(manifest),
        "embeddings_offset": entry.embeddings_offset,
    }


def _made_at(manifest: Manifest) -> datetime:
    return datetime.fromtimestamp(manifest.made_at / 1e6, UTC)


def _time(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def _one(known: Sequence[str], begins: str, settings: Settings) -> str:
    """The space that is called so, or the only one that begins so."""
    if begins in known:
        return begins
    meant = [space for space in known if begins and space.startswith(begins)]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise ConfigError(
            f"several spaces begin with {begins!r}", hint=f"which of: {', '.join(meant)}"
        )
    raise ConfigError(
        f"no space is called {begins!r}",
        hint=f"there are: {', '.join(known)}" if known else _none(settings),
    )


def _note(settings: Settings, now: str, *, previous: str | None, why: str) -> None:
    """The audit is the registry's, wherever the pointer is."""
    from palate.store.audit import Audit, AuditEntry, append
    from palate.store.database import REGISTRY, Database

    who = getpass.getuser()
    entry = AuditEntry(datetime.now(UTC), who, "index.rollback", now, previous=previous, why=why)
    with closing(Database(settings.home / REGISTRY)) as database:
        Audit(database)  # makes its table
        with database.transaction() as connection:
            append(connection, [entry])


def _none(settings: Settings) -> str:
    return f"no snapshots in {settings.home}; palate serve --role indexer publishes them"


def _next(settings: Settings) -> str:
    """What happens now without anybody's doing."""
    from palate.retrieval.settings import retrieval_settings

    own = retrieval_settings(settings)
    return (
        f"workers look every {settings.serve.poll_s:g} s and go back one after another, "
        f"{own.stagger_s:g} s apart; the indexer goes on from this snapshot and publishes the next "
        f"one when something changed and {own.refresh_s:g} s are over ([retrieval] refresh_s): "
        "mend what made the index bad before that"
    )

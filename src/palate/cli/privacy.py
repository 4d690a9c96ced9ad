"""`palate privacy`: export all that is held about a person, and erase it."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from palate.cli.apps import command_app
from palate.cli.layout import fields
from palate.cli.session import session_of
from palate.cli.workspace import Workspace
from palate.errors import StoreError

if TYPE_CHECKING:
    from palate.config import Settings
    from palate.events.log.people import People
    from palate.privacy.erase import ErasureReport

__all__ = ["app", "erase", "export"]

app = command_app("Privacy: what is held about a person, and its erasure.")

User = Annotated[str, typer.Argument(metavar="USER", help="A user id.")]
CLEANED_S = 600.0  # how long a running service may take to clean its files
LOOK_S = 0.1


@app.command()
def export(ctx: typer.Context, user: User) -> None:
    """Print all that is held about a user and the visitors they were, as JSON."""
    import msgspec

    from palate.events.audit import person_ref
    from palate.events.forgotten import open_forgotten
    from palate.privacy.export import export_person
    from palate.store.audit import Audit
    from palate.store.database import REGISTRY, Database

    session = session_of(ctx)
    settings = session.settings
    with Workspace(settings).state() as state:
        found = export_person(user, settings.home, settings, state)
    with (
        closing(open_forgotten(settings.home, settings.privacy)) as forgotten,
        closing(Database(settings.home / REGISTRY)) as database,
    ):
        person = person_ref(forgotten.pseudonyms.user(user))
        Audit(database).note(getpass.getuser(), "privacy.export", person)
    typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())


@app.command()
def erase(
    ctx: typer.Context,
    user: User,
    *,
    now: Annotated[
        bool,
        typer.Option("--now", help="Write all files anew at once, and wait for it."),
    ] = False,
) -> None:
    """Forget a user and the visitors they were.

    They are in no answer at once; records go within seconds, and the last bytes within
    privacy.erase_within_days. Late events of theirs are refused. Item totals change at the next
    fit. Backups made before hold the person until they are rotated.
    """
    from palate.serve.lock import running_service

    session = session_of(ctx)
    settings = session.settings
    people = _people(settings, user)
    running = running_service(settings.home) is not None
    do = _through_the_service if running else _alone
    found = do(settings, people, now)
    session.terminal.answer(
        {"status": found.status.value, "ids": found.ids, "erase_by": found.erase_by or None},
        fields([("status", found.status.value), ("ids", found.ids), ("erase by", found.erase_by)]),
    )


def _people(settings: Settings, user: str) -> People:
    from palate.privacy.people import people_of
    from palate.store.chosen import has_online_store

    if not has_online_store(settings.home, settings):
        return people_of(user, settings.home, None)
    with Workspace(settings).state() as state:
        return people_of(user, settings.home, state)


def _alone(settings: Settings, people: People, now: bool) -> ErasureReport:  # noqa: FBT001
    """With no service running: this process owns the log."""
    from palate.events.identity import now_us
    from palate.features.ingest import open_ingest
    from palate.privacy.erase import digests_of, forgetting_events, report
    from palate.serve.chores import Chores
    from palate.store.database import REGISTRY, Database

    with (
        open_ingest(settings.home, settings) as ingest,
        closing(Database(settings.home / REGISTRY)) as database,
    ):
        assert ingest.forgotten is not None
        ingest.append(forgetting_events(people, getpass.getuser()))
        digests = digests_of(ingest.forgotten, people)
        if now:
            ingest.forgotten.hasten(digests, now_us())
        chores = Chores(ingest, settings, database)
        while chores.step(now_us()):
            pass
        return report(ingest.forgotten, digests, settings.privacy.erase_within_days)


def _through_the_service(settings: Settings, people: People, now: bool) -> ErasureReport:  # noqa: FBT001
    """Its writer owns the log, and does the work."""
    from palate.events.forgotten import open_forgotten
    from palate.events.identity import now_us
    from palate.privacy.erase import ErasureStatus, digests_of, forgetting_events, report
    from palate.serve.remote import open_ingest_or_writer

    with closing(open_ingest_or_writer(settings)) as appender:
        appender.append(forgetting_events(people, getpass.getuser()))
    with closing(open_forgotten(settings.home, settings.privacy)) as forgotten:
        digests = digests_of(forgotten, people)
        if now:
            forgotten.hasten(digests, now_us())

        def look() -> ErasureReport:
            return report(forgotten, digests, settings.privacy.erase_within_days)

        return _wait(look, lambda found: not now or found.status is ErasureStatus.CLEANED)


def _wait(
    look: Callable[[], ErasureReport], enough: Callable[[ErasureReport], bool]
) -> ErasureReport:
    deadline = time.monotonic() + CLEANED_S
    while not enough(found := look()):
        if time.monotonic() > deadline:
            raise StoreError(
                f"the service has not cleaned its files within {CLEANED_S:.0f} s",
                hint="look at the service's log; it goes on by itself",
            )
        time.sleep(LOOK_S)
    return found

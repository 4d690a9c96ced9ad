"""`/v1/privacy/users/{user_id}`: all that is held about a person, and to have it erased."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from palate.events.audit import person_ref
from palate.events.forgotten import Forgotten, open_forgotten
from palate.events.identity import now_us
from palate.events.log.people import People
from palate.privacy.erase import (
    ErasureReport,
    ErasureStatus,
    digests_of,
    forgetting_events,
    report,
)
from palate.privacy.export import PersonExport, export_person
from palate.privacy.people import people_of
from palate.serve.client import WriterAwayError
from palate.serve.context import Context, Endpoint, Operation, Query
from palate.serve.guard import caller_of
from palate.serve.problem import ProblemError
from palate.serve.reading import answer, read_id
from palate.store.audit import Audit
from palate.store.database import REGISTRY, Database
from palate.store.key import Scope

__all__ = ["ENDPOINT"]

_NOW_S: Final = 60.0  # how long a request waits for files to be cleaned
_LOOK_S: Final = 0.05


async def export_user(context: Context, request: Request) -> Response:
    """Answers with attributes, history and every event; it looks at the whole log."""
    user_id = read_id(request, "user_id")
    return answer(await asyncio.to_thread(_export, context, user_id, caller_of(request).who))


async def erase_user(context: Context, request: Request) -> Response:
    """Forgets the user and their visitors: they are in no answer once this is acknowledged.

    Records go within seconds, and the last bytes within `[privacy] erase_within_days`. With
    `now=true` the answer comes when no file holds a byte about them, or after a minute: a large log
    is written anew for longer. Events are taken meanwhile. Asked again, it says how far it is.
    """
    user_id = read_id(request, "user_id")
    now = _read_now(request)
    people = await asyncio.to_thread(people_of, user_id, context.settings.home, context.state)
    try:
        await context.writer.append(forgetting_events(people, caller_of(request).who))
    except WriterAwayError as error:
        raise ProblemError(
            503, "writer-away", f"{error.message}; send it again", headers={"retry-after": "1"}
        ) from error
    return answer(await _until(context, people, now=now))


async def _until(context: Context, people: People, *, now: bool) -> ErasureReport:
    """How far the erasure is; with `now`, when it has come to its end."""
    with closing(open_forgotten(context.settings.home, context.settings.privacy)) as forgotten:
        if now:
            digests = digests_of(forgotten, people)
            await asyncio.to_thread(forgotten.hasten, digests, now_us())
        deadline = asyncio.get_running_loop().time() + _NOW_S
        while True:
            found = await asyncio.to_thread(_report, context, forgotten, people)
            done = found.status is ErasureStatus.CLEANED
            if done or not now or asyncio.get_running_loop().time() > deadline:
                return found
            await asyncio.sleep(_LOOK_S)


def _report(context: Context, forgotten: Forgotten, people: People) -> ErasureReport:
    within_days = context.settings.privacy.erase_within_days
    return report(forgotten, digests_of(forgotten, people), within_days)


def _export(context: Context, user_id: str, by: str) -> PersonExport:
    settings = context.settings
    found = export_person(user_id, settings.home, settings, context.state)
    with (
        closing(open_forgotten(settings.home, settings.privacy)) as forgotten,
        closing(Database(settings.home / REGISTRY)) as database,
    ):
        person = person_ref(forgotten.pseudonyms.user(user_id))
        Audit(database).note(by, "privacy.export", person)
    return found


def _read_now(request: Request) -> bool:
    raw = request.query_params.get("now", "false")
    if raw not in ("true", "false"):
        raise ProblemError(422, "impossible-value", f"now is {raw!r:.40}; it is true or false")
    return raw == "true"


ENDPOINT: Final = Endpoint(
    "/v1/privacy/users/{user_id}",
    "privacy",
    (
        Operation(
            "GET",
            "All that is held about a person",
            export_user,
            PersonExport,
            scopes=(Scope.ADMIN,),
            problems=(400, 422),
        ),
        Operation(
            "DELETE",
            "Erase a person",
            erase_user,
            ErasureReport,
            scopes=(Scope.ADMIN,),
            query=(
                Query(
                    "now",
                    "Wait until no file holds a byte; false by default.",
                    {"type": "boolean"},
                ),
            ),
            problems=(400, 422),
        ),
    ),
)

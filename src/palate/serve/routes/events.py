"""`POST /v1/events`: what people did, in batches, with a verdict for each event."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from palate.errors import EventError
from palate.events.dead_letters import DeadLetter
from palate.events.forgotten import FORGOTTEN
from palate.events.identity import now_us
from palate.events.log.base import Appended
from palate.events.schema import (
    ITEM_DELETED,
    ITEM_UPSERTED,
    RESERVED,
    USER_IDENTIFIED,
    USER_UPSERTED,
    Event,
)
from palate.events.validate import Posted, split_batch, validate
from palate.serve.access import Caller
from palate.serve.changes import signed
from palate.serve.client import WriterAwayError
from palate.serve.context import Context, Endpoint, Operation
from palate.serve.guard import caller_of
from palate.serve.messages import EventResult, EventResults
from palate.serve.problem import ProblemError
from palate.serve.reading import answer, read_body
from palate.serve.spans import span
from palate.store.key import Scope
from palate.types import Verdict

__all__ = ["ENDPOINT", "EventBatch"]


_SOURCE: Final = "POST /v1/events"
_CHANGES: Final = (ITEM_UPSERTED, ITEM_DELETED, USER_UPSERTED, USER_IDENTIFIED)


class EventBatch(msgspec.Struct, forbid_unknown_fields=True):
    """Events of one POST; a bare list is taken too."""

    events: list[Posted]


class _Identified(msgspec.Struct):
    event_id: Any = None


_identified = msgspec.json.Decoder(_Identified)


async def post_events(context: Context, request: Request) -> Response:
    """Takes each event on its own: an invalid one never keeps the others out."""
    serve = context.settings.serve
    body = await read_body(request, serve.max_body_bytes)
    try:
        raws = split_batch(body)
    except EventError as error:
        await _refuse(context, [DeadLetter(body, str(error), now_us(), _SOURCE)])
        raise ProblemError(400, "not-a-batch", str(error)) from error
    if len(raws) > serve.max_batch:
        raise ProblemError(
            413, "too-many-events", f"{len(raws)} events; at most {serve.max_batch} in one POST"
        )
    at_us = now_us()
    schema = context.settings.schema_
    caller = caller_of(request)
    read = [_judged(validate(raw, schema, at_us, allow_reserved=True), caller) for raw in raws]
    events = [event for event in read if isinstance(event, Event)]
    letters = [
        DeadLetter(bytes(raw), event, at_us, _SOURCE)
        for raw, event in zip(raws, read, strict=True)
        if isinstance(event, str)
    ]
    appended = iter(await _append(context, events, letters))
    results = [
        EventResult(Verdict.INVALID, _event_id(raw), event)
        if isinstance(event, str)
        else _result(event, next(appended))
        for raw, event in zip(raws, read, strict=True)
    ]
    tally = Counter(result.verdict for result in results)
    for verdict, n in tally.items():
        context.counters.events(verdict, n)
    headers = {"retry-after": "1"} if tally[Verdict.RETRY] else None
    return answer(EventResults(results), headers=headers)


def _judged(event: Event | str, caller: Caller) -> Event | str:
    """`event` if the caller may post it, or why not.

    Without keys nobody may post what changes items and users here: it has routes of its own.
    """
    if isinstance(event, str):
        return event
    if event.event not in RESERVED:
        if Scope.INGEST in caller.scopes:
            return event
        return "an ordinary event needs a key with the scope ingest"
    if event.event in _CHANGES and caller.key is not None and Scope.WRITE in caller.scopes:
        return signed(event, caller.who)
    return f"the type {event.event!r} is reserved: use the route that owns it"


async def _append(
    context: Context, events: list[Event], letters: list[DeadLetter]
) -> list[Appended | str]:
    """What became of each, or why it should be sent again; `letters` are kept."""
    if not events:
        await _refuse(context, letters)
        return []
    try:
        with span("events.append"):
            return list(await context.writer.append(events, letters))
    except WriterAwayError as error:
        context.outbox.refused(letters)
        return [error.message] * len(events)


async def _refuse(context: Context, letters: list[DeadLetter]) -> None:
    """Keep what was refused: now, or when the writer is back."""
    if not letters:
        return
    try:
        await context.writer.append([], letters)
    except WriterAwayError:
        context.outbox.refused(letters)


def _result(event: Event, appended: Appended | str) -> EventResult:
    if isinstance(appended, str):
        return EventResult(Verdict.RETRY, event.event_id, appended)
    reason = FORGOTTEN if appended.verdict is Verdict.INVALID else None
    return EventResult(appended.verdict, event.event_id, reason)


def _event_id(raw: msgspec.Raw) -> str:
    """The id of an event that was refused, where it has one that can be read."""
    try:
        found = _identified.decode(raw).event_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""


ENDPOINT: Final = Endpoint(
    "/v1/events",
    "events",
    (
        Operation(
            "POST",
            "Tell what people did",
            post_events,
            EventResults,
            scopes=(Scope.INGEST, Scope.WRITE),
            body=EventBatch | list[Posted],
            problems=(400, 413, 415),
        ),
    ),
)

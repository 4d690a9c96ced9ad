"""Single changes of an item or user: one reserved event, acknowledged before the answer."""

from __future__ import annotations

from typing import Any

import msgspec

from palate.events.forgotten import FORGOTTEN
from palate.events.identity import now_us
from palate.events.schema import BY, Event
from palate.events.validate import MAX_EVENT_BYTES, validate
from palate.serve.client import WriterAwayError
from palate.serve.context import Context
from palate.serve.problem import ProblemError
from palate.types import Verdict

__all__ = ["change", "signed"]


def signed(event: Event, by: str) -> Event:
    """A reserved event that says who sent it: the audit is made from what stands in the log."""
    return msgspec.structs.replace(event, context={**(event.context or {}), BY: by})


async def change(context: Context, event: dict[str, Any], *, by: str) -> Event:
    """Append one reserved event, which the caller's route owns.

    Args:
        context: Whose writer takes it.
        event: As posted, without id and time.
        by: Who wants it.

    Raises:
        ProblemError: 422 where its attributes are not what the settings declare; 413 where they
            are too large for an event; 409 where it is about somebody who was forgotten; 503
            while the writer is away: nothing is known of it, and it may be sent again.
    """
    read = validate(event, context.settings.schema_, now_us(), allow_reserved=True)
    if isinstance(read, str):
        raise ProblemError(422, "impossible-attributes", read)
    if len(msgspec.json.encode(event)) > MAX_EVENT_BYTES:  # as those that are posted
        raise ProblemError(413, "too-large", f"the event is larger than {MAX_EVENT_BYTES} bytes")
    try:
        (appended,) = await context.writer.append([signed(read, by)])
    except WriterAwayError as error:
        context.counters.events(Verdict.RETRY, 1)
        raise ProblemError(
            503, "writer-away", f"{error.message}; send it again", headers={"retry-after": "1"}
        ) from error
    context.counters.events(appended.verdict, 1)
    if appended.verdict is Verdict.INVALID:
        raise ProblemError(409, "forgotten", FORGOTTEN)
    return read

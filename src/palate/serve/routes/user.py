"""`/v1/users/{user_id}`: what is known of one user."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from palate.events.schema import USER_UPSERTED
from palate.features.user_state import UserState
from palate.serve.changes import change
from palate.serve.context import Context, Endpoint, Operation
from palate.serve.guard import caller_of
from palate.serve.messages import UserBody, UserDocument, UserEvent
from palate.serve.problem import ProblemError
from palate.serve.reading import answer, decode, read_body, read_id
from palate.store.key import Scope

__all__ = ["ENDPOINT"]

_decoder = msgspec.json.Decoder(UserBody)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


async def get_user(context: Context, request: Request) -> Response:
    """Answers with attributes and the events that recommendations are made from."""
    user_id = read_id(request, "user_id")
    user = context.state.user(user_id)
    if user is None:
        raise ProblemError(404, "unknown-user", f"nothing is known of user {user_id!r}")
    return answer(_document(user_id, user.attributes, user))


async def put_user(context: Context, request: Request) -> Response:
    """Replaces the user's attributes; events stay."""
    user_id = read_id(request, "user_id")
    body = decode(_decoder, await read_body(request, context.settings.serve.max_body_bytes))
    event = {"event": USER_UPSERTED, "user_id": user_id, "attributes": body.attributes}
    await change(context, event, by=caller_of(request).who)
    return answer(_document(user_id, body.attributes, context.state.user(user_id) or UserState()))


def _document(user_id: str, attributes: dict[str, Any], user: UserState) -> UserDocument:
    rows = zip(user.events, user.item_ids, user.values, user.timestamps, strict=True)
    newest_first = [
        UserEvent(event=event, item_id=item_id, value=value, timestamp=_iso(time_us))
        for event, item_id, value, time_us in rows
    ][::-1]
    return UserDocument(user_id=user_id, attributes=attributes, events=newest_first)


def _iso(time_us: int) -> str:
    try:
        moment = _EPOCH + timedelta(microseconds=time_us)
    except OverflowError:
        moment = _LAST
    return moment.isoformat().replace("+00:00", "Z")


ENDPOINT: Final = Endpoint(
    "/v1/users/{user_id}",
    "user",
    (
        Operation(
            "GET",
            "One user",
            get_user,
            UserDocument,
            scopes=(Scope.READ,),
            problems=(400, 404, 422),
        ),
        Operation(
            "PUT",
            "Replace a user's attributes",
            put_user,
            UserDocument,
            scopes=(Scope.WRITE,),
            body=UserBody,
            problems=(400, 409, 413, 415, 422, 503),
        ),
    ),
)

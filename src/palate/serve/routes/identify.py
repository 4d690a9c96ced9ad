"""`POST /v1/users/{user_id}/identify`: a visitor turned out to be this user."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from palate.events.schema import USER_IDENTIFIED
from palate.serve.changes import change
from palate.serve.context import Context, Endpoint, Operation
from palate.serve.guard import caller_of
from palate.serve.messages import IdentifyBody, IdentifyDocument
from palate.serve.reading import answer, decode, read_body, read_id
from palate.store.key import Scope

__all__ = ["ENDPOINT"]

_decoder = msgspec.json.Decoder(IdentifyBody)


async def identify(context: Context, request: Request) -> Response:
    """Adds the visitor's history to the user's, once; what the visitor does later is the user's."""
    user_id = read_id(request, "user_id")
    body = decode(_decoder, await read_body(request, context.settings.serve.max_body_bytes))
    event = {"event": USER_IDENTIFIED, "user_id": user_id, "anonymous_id": body.anonymous_id}
    await change(context, event, by=caller_of(request).who)
    return answer(IdentifyDocument(user_id=user_id, anonymous_id=body.anonymous_id))


ENDPOINT: Final = Endpoint(
    "/v1/users/{user_id}/identify",
    "identify",
    (
        Operation(
            "POST",
            "Say that a visitor is this user",
            identify,
            IdentifyDocument,
            scopes=(Scope.WRITE,),
            body=IdentifyBody,
            problems=(400, 409, 413, 415, 422, 503),
        ),
    ),
)

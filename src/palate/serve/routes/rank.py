"""`POST /v1/rank`: given items in the order that is best for somebody."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from palate.serve.context import Context, Endpoint, Operation
from palate.serve.messages import RankRequest, RecommendationResponse
from palate.serve.observer import GIVEN
from palate.serve.problem import OWN_ID
from palate.serve.reading import answer, decode, read_body
from palate.store.key import Scope

__all__ = ["ENDPOINT"]

_decoder = msgspec.json.Decoder(RankRequest)


async def rank(context: Context, request: Request) -> Response:
    """Answers with the candidates that may be shown, best first."""
    body = await read_body(request, context.settings.serve.max_body_bytes)
    # An id that the caller sent may come twice; slates are told apart by theirs.
    own = None if request.scope[GIVEN] else request.scope[OWN_ID]
    return answer(context.recommendations.rank(decode(_decoder, body), request_id=own))


ENDPOINT: Final = Endpoint(
    "/v1/rank",
    "rank",
    (
        Operation(
            "POST",
            "Given items, best first for a user",
            rank,
            RecommendationResponse,
            scopes=(Scope.READ,),
            body=RankRequest,
            problems=(400, 404, 409, 413, 415, 422),
        ),
    ),
)

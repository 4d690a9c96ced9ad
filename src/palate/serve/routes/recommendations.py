"""`POST /v1/recommendations`: what somebody should see next."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from palate.serve.context import Context, Endpoint, Operation
from palate.serve.messages import RecommendationRequest, RecommendationResponse
from palate.serve.observer import GIVEN
from palate.serve.problem import OWN_ID
from palate.serve.reading import answer, decode, read_body
from palate.store.key import Scope

__all__ = ["ENDPOINT"]

_decoder = msgspec.json.Decoder(RecommendationRequest)


async def recommend(context: Context, request: Request) -> Response:
    """Answers with a slate; an unknown user gets popular items."""
    body = await read_body(request, context.settings.serve.max_body_bytes)
    # An id that the caller sent may come twice; slates are told apart by theirs.
    own = None if request.scope[GIVEN] else request.scope[OWN_ID]
    return answer(context.recommendations.recommend(decode(_decoder, body), request_id=own))


ENDPOINT: Final = Endpoint(
    "/v1/recommendations",
    "recommendations",
    (
        Operation(
            "POST",
            "The best items for a user now",
            recommend,
            RecommendationResponse,
            scopes=(Scope.READ,),
            body=RecommendationRequest,
            problems=(400, 404, 409, 413, 415, 422),
        ),
    ),
)

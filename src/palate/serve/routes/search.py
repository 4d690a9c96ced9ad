"""`POST /v1/search`: items with given attributes, the best for somebody first."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from palate.serve.context import Context, Endpoint, Operation
from palate.serve.messages import RecommendationResponse, SearchRequest
from palate.serve.observer import GIVEN
from palate.serve.problem import OWN_ID
from palate.serve.reading import answer, decode, read_body
from palate.store.key import Scope

__all__ = ["ENDPOINT"]

_decoder = msgspec.json.Decoder(SearchRequest)


async def search(context: Context, request: Request) -> Response:
    """Answers with items that pass the filters; what the user has seen is among them."""
    body = await read_body(request, context.settings.serve.max_body_bytes)
    # An id that the caller sent may come twice; slates are told apart by theirs.
    own = None if request.scope[GIVEN] else request.scope[OWN_ID]
    return answer(context.recommendations.search(decode(_decoder, body), request_id=own))


ENDPOINT: Final = Endpoint(
    "/v1/search",
    "search",
    (
        Operation(
            "POST",
            "Items with given attributes, best first for a user",
            search,
            RecommendationResponse,
            scopes=(Scope.READ,),
            body=SearchRequest,
            problems=(400, 404, 409, 413, 415, 422),
        ),
    ),
)

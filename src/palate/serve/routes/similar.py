"""`GET /v1/items/{item_id}/similar`: the items nearest to one."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from palate.serve.context import Context, Endpoint, Operation
from palate.serve.messages import SimilarItems
from palate.serve.reading import answer, read_filters, read_id, read_number, read_text
from palate.serve.routes.parameters import FILTERS, RELEASE, K
from palate.store.key import Scope

__all__ = ["ENDPOINT"]


async def similar(context: Context, request: Request) -> Response:
    """Answers with similar items; none for an item that the release does not know yet."""
    return answer(
        context.recommendations.similar(
            read_id(request, "item_id"),
            read_number(request, "k", None, most=context.settings.serve.max_k),
            filters=read_filters(request),
            release=read_text(request, "release"),
        )
    )


ENDPOINT: Final = Endpoint(
    "/v1/items/{item_id}/similar",
    "similar",
    (
        Operation(
            "GET",
            "The items most similar to one",
            similar,
            SimilarItems,
            scopes=(Scope.READ,),
            query=(K, FILTERS, RELEASE),
            problems=(400, 404, 409, 422),
        ),
    ),
)

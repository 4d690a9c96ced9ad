"""`GET /v1/popular`: what most people touched."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from palate.serve.context import Context, Endpoint, Operation
from palate.serve.messages import PopularItems
from palate.serve.reading import answer, read_filters, read_number, read_text
from palate.serve.routes.parameters import FILTERS, RELEASE, K
from palate.store.key import Scope

__all__ = ["ENDPOINT"]


async def popular(context: Context, request: Request) -> Response:
    """Answers with the release's most popular items, or the newest ones without a release."""
    return answer(
        context.recommendations.popular(
            read_number(request, "k", None, most=context.settings.serve.max_k),
            filters=read_filters(request),
            release=read_text(request, "release"),
        )
    )


ENDPOINT: Final = Endpoint(
    "/v1/popular",
    "popular",
    (
        Operation(
            "GET",
            "The most popular items",
            popular,
            PopularItems,
            scopes=(Scope.READ,),
            query=(K, FILTERS, RELEASE),
            problems=(400, 404, 409, 422),
        ),
    ),
)

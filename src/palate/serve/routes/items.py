"""`GET /v1/items`: the catalogue, page by page."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from palate.serve.context import Context, Endpoint, Operation, Query
from palate.serve.messages import ItemPage
from palate.serve.problem import ProblemError
from palate.serve.reading import answer, read_number, read_text
from palate.serve.routes.item import item_document
from palate.store.key import Scope

__all__ = ["ENDPOINT"]

_DEFAULT_LIMIT: Final = 100
_MAX_LIMIT: Final = 1000


async def list_items(context: Context, request: Request) -> Response:
    """Answers with items in the order of their ids, hidden ones included."""
    limit = read_number(request, "limit", _DEFAULT_LIMIT, most=_MAX_LIMIT) or _DEFAULT_LIMIT
    cursor = read_text(request, "cursor")
    found = context.state.items(None if cursor is None else _after(cursor), limit + 1)
    page = found[:limit]
    return answer(
        ItemPage(
            items=[item_document(item_id, state.attributes) for item_id, state in page],
            next=_cursor(page[-1][0]) if len(found) > limit else None,
        )
    )


def _cursor(item_id: str) -> str:
    return urlsafe_b64encode(item_id.encode()).decode().rstrip("=")


def _after(cursor: str) -> str:
    problem = ProblemError(422, "impossible-cursor", "cursor is no `next` of a page before")
    try:
        after = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeError) as error:
        raise problem from error
    if not after:
        raise problem
    return after


ENDPOINT: Final = Endpoint(
    "/v1/items",
    "items",
    (
        Operation(
            "GET",
            "The catalogue, page by page",
            list_items,
            ItemPage,
            scopes=(Scope.READ,),
            query=(
                Query(
                    "limit",
                    f"Items a page; {_DEFAULT_LIMIT} by default.",
                    {"type": "integer", "minimum": 1, "maximum": _MAX_LIMIT},
                ),
                Query("cursor", "`next` of the page before.", {"type": "string"}),
            ),
            problems=(422,),
        ),
    ),
)

"""`GET /openapi.json`: the description of this service."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from palate.serve.context import Context, Endpoint, Operation
from palate.store.key import Scope

__all__ = ["ENDPOINT"]


async def document(context: Context, request: Request) -> Response:
    """Answers with the OpenAPI document, built once from the table of routes."""
    return Response(request.app.state.openapi, media_type="application/json")


ENDPOINT: Final = Endpoint(
    "/openapi.json",
    "openapi",
    (Operation("GET", "This document", document, "application/json", scopes=tuple(Scope)),),
)

"""The ASGI application: keys, routes and problems, with an observer around it."""

from __future__ import annotations

import logging
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from palate.errors import (
    DataError,
    PalateError,
    StoreError,
    UnknownItemError,
    UnknownReleaseError,
    UnsupportedError,
)
from palate.serve.access import require
from palate.serve.context import Context, Endpoint
from palate.serve.guard import Guard, caller_of
from palate.serve.logs import RequestLog
from palate.serve.observer import Observer
from palate.serve.openapi import openapi
from palate.serve.problem import ProblemError, problem_response
from palate.serve.routes.table import ENDPOINTS
from palate.serve.shelf import ReleaseNotLoadedError

__all__ = ["Service"]

_PROBLEMS: Final[tuple[tuple[type[PalateError], int, str], ...]] = (
    (UnknownReleaseError, 404, "unknown-release"),
    (ReleaseNotLoadedError, 409, "release-not-loaded"),
    (UnknownItemError, 404, "unknown-item"),
    (UnsupportedError, 409, "unsupported"),
    (DataError, 422, "impossible-value"),
    (StoreError, 503, "store-failed"),
)
_NAMES: Final = {404: "no-such-route", 405: "no-such-method"}

logger = logging.getLogger(__name__)


class Service:
    """One worker's application.

    Paths are matched as they were sent, still percent-encoded, so that an id may hold a slash.

    Args:
        context: The parts that routes need.
    """

    def __init__(self, context: Context) -> None:
        routes = [_route(context, endpoint) for endpoint in ENDPOINTS]
        self._observer = Observer(
            self._guarded,
            context.counters,
            RequestLog(context.settings.observe),
            context.lifecycle,
            {r.endpoint: (e.name, e.path) for r, e in zip(routes, ENDPOINTS, strict=True)},
        )
        self._app = Starlette(
            routes=routes,
            exception_handlers={
                ProblemError: _on_problem,
                PalateError: _on_palate_error,
                HTTPException: _on_http_exception,
                Exception: _on_fault,
            },
        )
        self._app.router.redirect_slashes = False
        self._app.state.openapi = openapi(ENDPOINTS)
        self._guard = Guard(self._app, context.access, [e.path for e in ENDPOINTS if e.keyless])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; called by the server."""
        if scope["type"] == "http":
            scope["path"] = scope["raw_path"].decode("ascii", "replace")
            await self._observer(scope, receive, send)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._guard(scope, receive, send)


def _route(context: Context, endpoint: Endpoint) -> Route:
    operations = {operation.method: operation for operation in endpoint.operations}
    if "GET" in operations:
        operations["HEAD"] = operations["GET"]

    async def serve(request: Request) -> Response:
        operation = operations[request.method]
        if not endpoint.keyless:
            require(caller_of(request), operation.scopes)
        return await operation.handle(context, request)

    return Route(endpoint.path, serve, methods=list(operations))


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return problem_response(request, error)


async def _on_palate_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PalateError)
    for kind, status, name in _PROBLEMS:
        if isinstance(error, kind):
            if status >= 500:
                logger.error("%s", error)  # the observer's line says for which request
            headers = {"retry-after": "1"} if status == 503 else None
            problem = ProblemError(status, name, str(error), headers=headers)
            return problem_response(request, problem)
    return await _on_fault(request, error)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    name = _NAMES.get(error.status_code, "http")
    detail = f"no route for {request.method} {request.url.path}; GET /openapi.json lists all"
    problem = ProblemError(error.status_code, name, detail, headers=error.headers)
    return problem_response(request, problem)


async def _on_fault(request: Request, error: Exception) -> Response:
    """A fault of ours: the server logs it with its traceback; the client learns no more."""
    logger.error("a fault of ours", exc_info=error)
    return problem_response(request, ProblemError(500, "fault", "this is our fault; it was logged"))

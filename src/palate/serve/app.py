"""The ASGI application: keys, routes, problems, and a count of every request."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from palate.errors import (
    DataError,
    PalateError,
    StoreError,
    UnknownItemError,
    UnknownReleaseError,
    UnsupportedError,
)
from palate.serve.context import Context, Endpoint
from palate.serve.keys import Keys
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
        self._counters = context.counters
        self._keys = Keys(context.settings.serve.keys)
        self._keyless = frozenset(e.path for e in ENDPOINTS if e.keyless)
        routes = [_route(context, endpoint) for endpoint in ENDPOINTS]
        self._names: dict[object, str] = {
            r.endpoint: e.name for r, e in zip(routes, ENDPOINTS, strict=True)
        }
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; called by the server."""
        if scope["type"] != "http":
            return
        started = perf_counter()
        scope["path"] = scope["raw_path"].decode("ascii", "replace")
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            if self._keys and not self._admitted(scope):
                await _unauthorized(scope)(scope, receive, watched)
            else:
                await self._app(scope, receive, watched)
        finally:
            name = self._names.get(scope.get("endpoint"), "none")
            self._counters.request(name, status, perf_counter() - started)

    def _admitted(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        return scope["path"] in self._keyless or (len(given) == 1 and self._keys.admit(given[0]))


def _route(context: Context, endpoint: Endpoint) -> Route:
    handlers = {operation.method: operation.handle for operation in endpoint.operations}
    if "GET" in handlers:
        handlers["HEAD"] = handlers["GET"]

    async def serve(request: Request) -> Response:
        return await handlers[request.method](context, request)

    return Route(endpoint.path, serve, methods=list(handlers))


def _unauthorized(scope: Scope) -> Response:
    problem = ProblemError(
        401,
        "no-key",
        "send a key: Authorization: Bearer KEY",
        headers={"www-authenticate": "Bearer"},
    )
    return problem_response(Request(scope), problem)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return problem_response(request, error)


async def _on_palate_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PalateError)
    for kind, status, name in _PROBLEMS:
        if isinstance(error, kind):
            if status >= 500:
                logger.error("%s %s: %s", request.method, request.url.path, error)
            return problem_response(request, ProblemError(status, name, str(error)))
    return await _on_fault(request, error)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    name = _NAMES.get(error.status_code, "http")
    detail = f"no route for {request.method} {request.url.path}; GET /openapi.json lists all"
    problem = ProblemError(error.status_code, name, detail, headers=error.headers)
    return problem_response(request, problem)


async def _on_fault(request: Request, error: Exception) -> Response:
    """A fault of ours: the server logs it with its traceback; the client learns no more."""
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem_response(request, ProblemError(500, "fault", "this is our fault; it was logged"))

"""Around every request: its id, its count, its line in the log, its span."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from palate.events.identity import uuid7
from palate.serve.counters import Counters
from palate.serve.lifecycle import Lifecycle
from palate.serve.logs import REQUEST_ID, TRACE_ID, RequestLog
from palate.serve.problem import OWN_ID
from palate.serve.spans import request_span

__all__ = ["GIVEN", "Observer"]

GIVEN: Final = "palate.request_id_given"  # in the scope: whether it was sent

_ID: Final = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")
_TRACE_HEADERS: Final = (b"traceparent", b"tracestate")


class Observer:
    """An ASGI application that watches another.

    A request keeps the `X-Request-ID` that it was sent with, if that can stand in a log, or gets
    one; the answer carries it.

    Args:
        app: Answers.
        counters: Of this process.
        requests: Their log.
        lifecycle: Says whether the service ends; clients then get their connections closed.
        routes: By the endpoint that the router found, its name and its path as a template.
    """

    def __init__(
        self,
        app: ASGIApp,
        counters: Counters,
        requests: RequestLog,
        lifecycle: Lifecycle,
        routes: Mapping[object, tuple[str, str]],
    ) -> None:
        self._app = app
        self._counters = counters
        self._requests = requests
        self._lifecycle = lifecycle
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; called by the server."""
        started = perf_counter()
        self._counters.begin()
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        given = _given_id(headers)
        request_id = given or uuid7()
        scope[OWN_ID], scope[GIVEN] = request_id, bool(given)
        REQUEST_ID.set(request_id)  # each request runs in a context of its own
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                sent = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
                if self._lifecycle.draining:
                    sent.append((b"connection", b"close"))
                message["headers"] = sent
            await send(message)

        with request_span(_trace_headers(headers)) as span:
            TRACE_ID.set(span.trace_id)
            try:
                await self._app(scope, receive, watched)
            finally:
                name, path = self._routes.get(scope.get("endpoint"), ("none", "(no route)"))
                message = f"{scope['method']} {path}"
                seconds = perf_counter() - started
                span.end_request(message, status)
                self._counters.request(name, status, seconds)
                self._requests.write(message, name, status, seconds)


def _given_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """What the caller calls this request; empty where it does not, or not fit for a log."""
    for name, value in headers:
        if name == b"x-request-id" and _ID.fullmatch(value):
            return value.decode("ascii")
    return ""


def _trace_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {
        name.decode(): value.decode("latin-1") for name, value in headers if name in _TRACE_HEADERS
    }

"""Around the routes: nobody comes in without leave, and every answer has its security headers."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from palate.serve.access import Access, Caller
from palate.serve.headers import PREFLIGHT, add_headers
from palate.serve.problem import ProblemError, problem_response

__all__ = ["Guard", "caller_of"]

_CALLER: Final = "palate.caller"  # in the scope


class Guard:
    """An ASGI application that lets requests through to another.

    It decides who asks; the route, once it is known, decides whether they may (`access.require`).

    Args:
        app: Answers.
        access: Admits.
        open_paths: Answer everyone: probes.
    """

    def __init__(self, app: ASGIApp, access: Access, open_paths: Collection[str]) -> None:
        self._app = app
        self._access = access
        self._open = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        origin: str | None = None

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(message, origin)
            await send(message)

        origin = self._access.preflight(scope)
        if origin is not None:
            await Response(None, 204, PREFLIGHT)(scope, receive, guarded)
            return
        try:
            caller = self._caller(scope)
        except ProblemError as problem:
            await problem_response(Request(scope), problem)(scope, receive, guarded)
            return
        scope[_CALLER] = caller
        origin = _origin(caller, scope)
        await self._app(scope, receive, guarded)

    def _caller(self, scope: Scope) -> Caller:
        if scope["path"] in self._open:
            return _NOBODY
        return self._access.admit(scope)


_NOBODY: Final = Caller("anybody", frozenset())


def caller_of(request: Request) -> Caller:
    """Who sent a request that the guard let through."""
    caller: Caller = request.scope[_CALLER]
    return caller


def _origin(caller: Caller, scope: Scope) -> str | None:
    """The origin whose pages may read the answer: one that the key was given to."""
    if caller.key is None or not caller.key.limits.origins:
        return None
    for name, value in scope["headers"]:
        if name == b"origin":
            return str(value.decode("latin-1"))
    return None

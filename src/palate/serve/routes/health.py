"""`/healthz`, `/startupz` and `/readyz`: whether it lives, has come up, and can do its work."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from palate.errors import StoreError
from palate.serve.context import Context, Endpoint, Operation
from palate.serve.messages import HealthDocument, ReadyDocument
from palate.serve.problem import ProblemError
from palate.serve.reading import answer
from palate.serve.standing import Standing
from palate.serve.writer import GROUP_EVENTS

__all__ = ["HEALTH", "READY", "STARTUP"]


async def health(context: Context, request: Request) -> Response:
    """Answers as long as the process does; look no further, or a full disk restarts it."""
    return answer(HealthDocument())


async def startup(context: Context, request: Request) -> Response:
    """200 once the writer and every worker have come up, releases loaded and kernels warm."""
    if not context.lifecycle.started:
        raise ProblemError(503, "starting", "not every process has come up yet")
    return answer(HealthDocument())


async def ready(context: Context, request: Request) -> Response:
    """200 while the service can do all of its work, else 503 with the reason.

    The release is loaded and warm, its items are indexed and its profiles filled if it is of
    nets, the state is at the log's head, the writer is there, and the end is not near. A service
    without any release, or without any item, as each begins, takes events and answers with what
    is newest: that is ready, and `release` is null. So is one whose disk is full: no other would
    take its events, and reads go on.
    """
    reason = _unready(context)
    if reason is not None:
        raise ProblemError(503, "not-ready", reason, headers={"retry-after": "1"})
    loaded = context.shelf.view.aliases.get(context.settings.serve.alias)
    return answer(ReadyDocument(release=None if loaded is None else loaded.ref, writer=True))


def _unready(context: Context) -> str | None:
    """Why requests should go elsewhere now; None where they should come."""
    alias = context.settings.serve.alias
    if context.lifecycle.draining:
        return "the service ends"
    if not context.writer.connected:
        return "the writer of the event log is restarting; reads are answered"
    try:
        standing = Standing.of(context.settings.home, context.log, context.state)
        named = context.releases.aliases()
    except StoreError as error:
        return error.message
    # One group is in the log before it is in the state, always.
    if standing.behind > GROUP_EVENTS:
        return f"the state is {standing.behind} events behind the log"
    view = context.shelf.view
    if alias not in named or alias in view.aliases:
        return None
    waiting = view.waiting.get(alias)
    if waiting is None:
        return f"{named[alias]}, which {alias} names, is not loaded"
    space = waiting.loaded.space
    if space is not None and space.index is None and not len(context.catalogue):
        return None  # items come through this very service: nobody indexes them before
    return f"release {waiting}"


HEALTH: Final = Endpoint(
    "/healthz",
    "healthz",
    (Operation("GET", "Whether the process lives", health, HealthDocument),),
    keyless=True,
)
STARTUP: Final = Endpoint(
    "/startupz",
    "startupz",
    (
        Operation(
            "GET", "Whether the service has come up", startup, HealthDocument, problems=(503,)
        ),
    ),
    keyless=True,
)
READY: Final = Endpoint(
    "/readyz",
    "readyz",
    (
        Operation(
            "GET",
            "Whether the service can do its work, and with what",
            ready,
            ReadyDocument,
            problems=(503,),
        ),
    ),
    keyless=True,
)

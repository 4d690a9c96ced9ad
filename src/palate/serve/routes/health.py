"""`/healthz` and `/readyz`: whether this worker lives, and whether it answers."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from palate.serve.context import Context, Endpoint, Operation
from palate.serve.messages import HealthDocument, ReadyDocument
from palate.serve.reading import answer

__all__ = ["HEALTH", "READY"]


async def health(context: Context, request: Request) -> Response:
    """Answers as long as the process does."""
    return answer(HealthDocument())


async def ready(context: Context, request: Request) -> Response:
    """A worker takes connections only when its releases are loaded and its kernels warm.

    Without a release it answers degraded, and while the writer is away it answers reads, so
    both are said here and neither makes it unready.
    """
    loaded = context.shelf.view.aliases.get(context.settings.serve.alias)
    return answer(
        ReadyDocument(
            release=None if loaded is None else loaded.ref, writer=context.writer.connected
        )
    )


HEALTH: Final = Endpoint(
    "/healthz",
    "healthz",
    (Operation("GET", "Whether the process lives", health, HealthDocument),),
    keyless=True,
)
READY: Final = Endpoint(
    "/readyz",
    "readyz",
    (Operation("GET", "Whether the worker answers, and with what", ready, ReadyDocument),),
    keyless=True,
)

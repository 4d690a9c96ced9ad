"""`GET /metrics`: the counters of all processes, for Prometheus."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from palate.serve.context import Context, Endpoint, Operation
from palate.serve.exposition import MEDIA_TYPE, exposition

__all__ = ["ENDPOINT"]


async def metrics(context: Context, request: Request) -> Response:
    """Answers with the sums over all workers and the writer, whichever worker is asked."""
    aliases = {alias: loaded.ref for alias, loaded in context.shelf.view.aliases.items()}
    text = exposition(context.layout.counters_folder, aliases)
    return Response(text, headers={"content-type": MEDIA_TYPE})


ENDPOINT: Final = Endpoint(
    "/metrics",
    "metrics",
    (Operation("GET", "Counters of all processes", metrics, "text/plain"),),
)

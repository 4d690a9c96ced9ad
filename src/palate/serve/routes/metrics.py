"""`GET /metrics`: the counters of all processes, for Prometheus."""

from __future__ import annotations

import logging
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from palate.errors import StoreError
from palate.serve.acceptor import read_loads
from palate.serve.context import Context, Endpoint, Operation
from palate.serve.exposition import MEDIA_TYPE, exposition
from palate.serve.standing import Standing
from palate.store.key import Scope

__all__ = ["ENDPOINT"]

logger = logging.getLogger(__name__)


async def metrics(context: Context, request: Request) -> Response:
    """Answers with the sums over all workers and the writer, whichever worker is asked."""
    try:
        standing = Standing.of(context.settings.home, context.log, context.state)
    except StoreError as error:
        logger.error("these figures are left out: %s", error)
        standing = None
    aliases = {alias: loaded.ref for alias, loaded in context.shelf.view.aliases.items()}
    text = exposition(
        context.layout.counters_folder,
        aliases,
        connections=read_loads(context.layout.loads),
        standing=standing,
    )
    return Response(text, headers={"content-type": MEDIA_TYPE})


ENDPOINT: Final = Endpoint(
    "/metrics",
    "metrics",
    (Operation("GET", "Counters of all processes", metrics, "text/plain", scopes=(Scope.READ,)),),
)

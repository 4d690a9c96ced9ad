"""`GET /v1/surfaces`: what the settings declare, and what answers on it now."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from palate.pipeline.surface import Surface
from palate.serve.context import Context, Endpoint, Operation
from palate.serve.messages import SurfaceDocument, SurfaceList
from palate.serve.reading import answer
from palate.store.key import Scope

__all__ = ["ENDPOINT"]


async def list_surfaces(context: Context, request: Request) -> Response:
    """Answers with all surfaces by name, and what answers on each in this worker."""
    declared = [context.surfaces[name] for name in sorted(context.surfaces)]
    return answer(SurfaceList([_document(context, surface) for surface in declared]))


def _document(context: Context, surface: Surface) -> SurfaceDocument:
    own = context.settings.serve.alias
    view = context.shelf.view
    loaded = view.aliases.get(surface.alias or own) or view.aliases.get(own)
    waiting = view.waiting.get(surface.alias or own)
    nets = None if loaded is None else loaded.nets
    index = None if loaded is None or loaded.space is None else loaded.space.index
    return SurfaceDocument(
        surface=surface.name,
        alias=surface.alias or own,
        release=None if loaded is None else loaded.ref,
        k=surface.k,
        filters=surface.settings.filters,
        exclude_seen=surface.exclude_seen,
        sources=[source.kind for source in surface.settings.sources],
        rerank=[stage.kind for stage in surface.settings.rerank],
        space=None if nets is None else nets.space,
        indexed=None if index is None else len(index),
        waits=None if waiting is None else str(waiting),
    )


ENDPOINT: Final = Endpoint(
    "/v1/surfaces",
    "surfaces",
    (Operation("GET", "All surfaces", list_surfaces, SurfaceList, scopes=(Scope.READ,)),),
)

"""`GET /v1/releases`: what exists, what aliases name, and what can be asked for."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from palate.serve.context import Context, Endpoint, Operation
from palate.serve.messages import ReleaseDocument, ReleaseList
from palate.serve.reading import answer
from palate.store.key import Scope

__all__ = ["ENDPOINT"]


async def list_releases(context: Context, request: Request) -> Response:
    """Answers with all releases of the registry, newest first."""
    named = context.releases.aliases()
    loaded = context.shelf.view.loaded
    found = sorted(context.releases.list(), key=lambda r: r.manifest.created_at, reverse=True)
    return answer(
        ReleaseList(
            [
                ReleaseDocument(
                    release=release.ref,
                    model=release.manifest.model,
                    created_at=release.manifest.created_at.isoformat(),
                    aliases=sorted(alias for alias, ref in named.items() if ref == release.ref),
                    loaded=release.ref in loaded,
                )
                for release in found
            ]
        )
    )


ENDPOINT: Final = Endpoint(
    "/v1/releases",
    "releases",
    (Operation("GET", "All releases", list_releases, ReleaseList, scopes=(Scope.READ,)),),
)

"""All routes in the order in which they are tried."""

from __future__ import annotations

from typing import Final

from palate.serve.context import Endpoint
from palate.serve.routes import (
    document,
    events,
    health,
    identify,
    item,
    items,
    metrics,
    popular,
    privacy,
    profile,
    rank,
    recommendations,
    releases,
    search,
    similar,
    surfaces,
    user,
)

__all__ = ["ENDPOINTS"]

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    recommendations.ENDPOINT,
    rank.ENDPOINT,
    search.ENDPOINT,
    surfaces.ENDPOINT,
    events.ENDPOINT,
    items.ENDPOINT,
    item.ENDPOINT,
    similar.ENDPOINT,
    popular.ENDPOINT,
    user.ENDPOINT,
    profile.ENDPOINT,
    privacy.ENDPOINT,
    identify.ENDPOINT,
    releases.ENDPOINT,
    health.HEALTH,
    health.STARTUP,
    health.READY,
    metrics.ENDPOINT,
    document.ENDPOINT,
)

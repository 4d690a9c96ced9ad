"""Query parameters that several routes share."""

from __future__ import annotations

from typing import Final

from palate.serve.context import Query

__all__ = ["FILTERS", "RELEASE", "K"]

K: Final = Query("k", "Items wanted; 10 by default.", {"type": "integer", "minimum": 1})
FILTERS: Final = Query(
    "filters",
    'Attribute conditions, as JSON: `{"genres": {"any": ["Comedy"]}}`.',
    {"type": "string", "contentMediaType": "application/json"},
)
RELEASE: Final = Query(
    "release", "`name:version` or an alias; the service's own by default.", {"type": "string"}
)

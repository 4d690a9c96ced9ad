"""Where and for whom a service answers: its surfaces, its default alias, its limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from palate.config import Schema, ServeSettings
from palate.pipeline.check import read_surface
from palate.pipeline.surface import Surface

__all__ = ["Place"]

# What ranks given items, and what searches, where the settings declare no surface of that name.
_OWN: Final[Mapping[str, dict[str, Any]]] = {
    "rank": {"exclude_seen": False, "sources": [{"kind": "neighbours"}]},
    "search": {
        "exclude_seen": False,
        "sources": [{"kind": "attributes"}, {"kind": "neighbours"}],
    },
}


@dataclass(frozen=True, slots=True)
class Place:
    """The parts of the settings that answers depend on.

    Attributes:
        schema: Declares the attributes that filters may name.
        surfaces: By name, checked.
        alias: What answers where neither request nor surface says.
        max_k: Largest slate.
        rank: What ranks given items, where a request names no surface.
        search: What searches, likewise.
    """

    schema: Schema
    surfaces: Mapping[str, Surface]
    alias: str
    max_k: int
    rank: Surface
    search: Surface

    @classmethod
    def of(cls, schema: Schema, surfaces: Mapping[str, Surface], serve: ServeSettings) -> Place:
        """The place that the settings describe."""
        rank, search = (
            surfaces.get(name)
            or read_surface(name, {**raw, "k": min(10, serve.max_k)}, schema, max_k=serve.max_k)
            for name, raw in _OWN.items()
        )
        return cls(schema, surfaces, serve.alias, serve.max_k, rank, search)

    def declares(self, surface: Surface) -> bool:
        """Whether the settings have this surface, rather than us."""
        return self.surfaces.get(surface.name) is surface

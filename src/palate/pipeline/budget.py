"""The stages that every surface has, and what is done where one of them cannot do its work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

__all__ = ["FALLBACKS", "SHARED_STAGES", "SharedStage", "fallback_of"]

# Beside sources and rerankers, in the order in which they run.
SharedStage = Literal[
    "person",
    "recent",
    "user",
    "fallback",
    "narrow",
    "hydrate",
    "filter",
    "vectors",
    "features",
    "score",
    "fuse",
    "verify",
    "trials",
    "explain",
]
SHARED_STAGES: Final[tuple[SharedStage, ...]] = get_args(SharedStage)

_BY_STORE: Final = "the store in place of memory; then nothing is shown"
_BY_PLACE: Final = "places in the sources decide"

# By stage, or by what stands before the dot of its name.
FALLBACKS: Final[Mapping[str, str]] = {
    "person": "nobody is known",
    "recent": "no last items",
    "user": "no embedding: places in the sources decide",
    "sources": "the other sources answer",
    "fallback": "the slate stays short",
    "narrow": "sources look among all items",
    "hydrate": _BY_STORE,
    "filter": _BY_STORE,
    "vectors": "those that sources brought",
    "features": "the net ranks without them",
    "score": _BY_PLACE,
    "fuse": _BY_PLACE,
    "rerank": "the order stays",
    "rerank.explore": "nothing is explored",
    "verify": "nothing is shown",
    "trials": "all new items are alike",
    "explain": "no explanation",
}


def fallback_of(stage: str) -> str:
    """What is done where a stage fails, rests, or is skipped; by its name in answers."""
    return FALLBACKS.get(stage) or FALLBACKS[stage.partition(".")[0]]

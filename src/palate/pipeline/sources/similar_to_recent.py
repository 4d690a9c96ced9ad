"""Candidates similar to what the person last dealt with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, Literal

import numpy as np
from pydantic import Field

from palate.pipeline.candidate import Proposal
from palate.pipeline.parts import Listed
from palate.pipeline.sources.base import SourceSettings
from palate.pipeline.stage import Asked

__all__ = ["SimilarToRecent"]

_LEAST: Final = 10  # neighbours of each recent item, however many items there are


class SimilarToRecent(SourceSettings):
    """Items nearest to each of the last few items, in turn: the nearest of each first."""

    needs: ClassVar[tuple[str, ...]] = ("index",)

    kind: Literal["similar_to_recent"]
    recent: int = Field(default=5, ge=1, le=50, description="Last items that are looked at.")

    def propose(self, asked: Asked) -> Proposal | None:
        """The newest item's neighbours lead each round; the score is the index's."""
        index, recent = asked.parts.index, asked.recent
        if index is None or recent is None or len(recent) == 0:
            return None
        queries = recent[: -self.recent - 1 : -1]
        depth = asked.depth(self.depth)
        each = max(_LEAST, -(-depth // len(queries))) + 1  # an item is its own neighbour
        found = index.search(np.ascontiguousarray(queries), each, among=asked.among)
        ids, scores = _in_turn(found, frozenset(asked.person.recent))
        complete = all(len(hits.ids) < each for hits in found)
        return Proposal(ids[:depth], np.array(scores[:depth], np.float32), complete=complete)


def _in_turn(found: Sequence[Listed], own: frozenset[str]) -> tuple[list[str], list[float]]:
    """The first of each, the second of each, and so on; no id twice, none of `own`."""
    scores: dict[str, float] = {}
    plain = [(hits.ids, hits.scores.tolist()) for hits in found]
    for place in range(max(len(ids) for ids, _ in plain)):
        for ids, given in plain:
            if place < len(ids) and ids[place] not in own:
                scores.setdefault(ids[place], given[place])
    return list(scores), list(scores.values())

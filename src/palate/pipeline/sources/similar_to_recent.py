"""Candidates similar to what the person last dealt with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import ClassVar, Final, Literal

import numpy as np
from pydantic import Field

from palate.pipeline.candidate import Proposal
from palate.pipeline.parts import Listed
from palate.pipeline.sources.base import SourceSettings
from palate.pipeline.stage import Asked
from palate.types import Float32Array, Int64Array

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
        found = index.search(
            np.ascontiguousarray(queries), each, among=asked.among, vectors=asked.reads_vectors
        )
        first = _in_turn(found, frozenset(asked.person.recent))
        rows = np.array(list(first.values())[:depth], np.int64)
        return Proposal(
            list(first)[:depth],
            np.concatenate([hits.scores for hits in found])[rows],
            complete=all(len(hits.ids) < each for hits in found),
            vectors=_stacked(found, rows),
            distinct=True,
        )


def _in_turn(found: Sequence[Listed], own: frozenset[str]) -> dict[str, int]:
    """The first of each, the second of each, and so on: no id twice, none of `own`.

    Each with its row, counted through what was found for one query after the other.
    """
    rows: dict[str, int] = {}
    lists = [hits.ids for hits in found]
    starts = [0, *accumulate(map(len, lists))]
    for place in range(max(map(len, lists))):
        for start, ids in zip(starts, lists, strict=False):
            if place < len(ids) and ids[place] not in own:
                rows.setdefault(ids[place], start + place)
    return rows


def _stacked(found: Sequence[Listed], rows: Int64Array) -> Float32Array | None:
    """(n, dimension) vectors of the items in these rows; None where they did not come along."""
    vectors = [hits.vectors for hits in found if hits.vectors is not None]
    return np.concatenate(vectors)[rows] if len(vectors) == len(found) else None

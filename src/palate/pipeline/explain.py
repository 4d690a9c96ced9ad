"""Explanations: the journey of a slate's items, and the parts of the profile that moved them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from palate.pipeline.candidate import Candidates
from palate.pipeline.fuse import fuse
from palate.pipeline.gather import Gathered
from palate.pipeline.journey import Found, ItemJourney, Journey, Moved
from palate.pipeline.parts import Nets
from palate.pipeline.rerank import Explored, order_by
from palate.pipeline.score import outcomes_of
from palate.pipeline.stage import Asked, Ranking
from palate.types import Float32Array, Float64Array

__all__ = ["Explainer", "moved_by"]

_DROPPED: Final = 20  # ids of each reason
_MOVED: Final = 5  # parts of the profile for each item


@dataclass(frozen=True, slots=True)
class Explainer:
    """What explaining needs beside the slate.

    Attributes:
        gathered: Where candidates came from, and what was dropped.
        asked: The request.
        worth: (n_outcomes,) float32.
        outcome_names: Of outcomes; empty where nothing ranked.
    """

    gathered: Gathered
    asked: Asked
    worth: Float32Array
    outcome_names: tuple[str, ...]

    def journey(self, ranking: Ranking, explored: Explored) -> Journey:
        """Of the items that `explored` shows."""
        candidates = ranking.candidates
        by_score = np.empty(len(candidates), np.int64)
        scores = np.zeros(len(candidates)) if candidates.scores is None else candidates.scores
        by_score[order_by(scores)] = np.arange(1, len(candidates) + 1)
        shown = candidates.take(explored.rows)
        moved = self._moved(shown)
        items = [
            ItemJourney(
                item_id=shown.ids[at],
                found=self._found(shown, at),
                outcomes=self._outcomes(shown, at),
                score=_finite(float("nan") if shown.scores is None else float(shown.scores[at])),
                by_score=int(by_score[row]),
                place=at + 1,
                propensity=float(explored.propensities[at]),
                moved=moved[at],
            )
            for at, row in enumerate(explored.rows.tolist())
        ]
        dropped = {why: ids[:_DROPPED] for why, ids in self.gathered.dropped.ids.items()}
        return Journey(items, dropped)

    def _found(self, shown: Candidates, at: int) -> list[Found]:
        return [
            Found(name, int(shown.places[at, s]) + 1, _finite(float(shown.given[at, s])))
            for s, name in enumerate(self.gathered.sources)
            if shown.places[at, s] >= 0
        ]

    def _outcomes(self, shown: Candidates, at: int) -> dict[str, float]:
        if shown.outcomes is None:
            return {}
        row = shown.outcomes[at].tolist()
        named = zip(self.outcome_names, row, strict=True)
        return {name: value for name, value in named if math.isfinite(value)}

    def _moved(self, shown: Candidates) -> list[list[Moved]]:
        nets = self.asked.parts.nets
        if nets is None or self.asked.person.profile is None or shown.outcomes is None:
            return [[] for _ in shown.ids]
        names, table = moved_by(nets, self.asked, shown, self.worth)
        return [_strongest(names, row) for row in table]


def moved_by(
    nets: Nets, asked: Asked, shown: Candidates, worth: Float32Array
) -> tuple[list[str], Float64Array]:
    """Score of each item, less its score with one attribute of the profile made average.

    One embedding and one ranking an attribute: exact for these nets, whatever is inside them.

    Args:
        nets: Which ranked.
        asked: The request, whose person has a profile.
        shown: Items with vectors and features.
        worth: (n_outcomes,) float32.

    Returns:
        Attributes, and (n_items, n_attributes) float64; NaN for an item without a score.
    """
    profile = asked.person.profile
    assert profile is not None
    average = asked.person.average
    recent = _recent(asked, nets.dimension)
    blocks: dict[str, list[int]] = {}
    for place, name in enumerate(nets.layout.names):
        blocks.setdefault(_attribute_of(name), []).append(place)

    def scored(one: Float32Array) -> Float32Array:
        user = nets.embed_user(one, recent, asked.request.context)
        return fuse(outcomes_of(nets, user, shown), worth)

    whole = scored(profile).astype(np.float64)
    table = np.empty((len(shown), len(blocks)))
    for column, places in enumerate(blocks.values()):
        other = profile.copy()
        other[places] = 0.0 if average is None else average[places]
        table[:, column] = whole - scored(other)
    return list(blocks), table


def _recent(asked: Asked, dimension: int) -> Float32Array:
    return np.empty((0, dimension), np.float32) if asked.recent is None else asked.recent


def _attribute_of(name: str) -> str:
    """`make` of `make=BMW`, `price` of `price:mean`: a value may hold either sign."""
    ends = [at for sign in "=:" if (at := name.find(sign)) > 0]
    return name[: min(ends)] if ends else name


def _strongest(names: list[str], row: Float64Array) -> list[Moved]:
    known = [Moved(n, by) for n, by in zip(names, row.tolist(), strict=True) if by and by == by]
    return sorted(known, key=lambda moved: -abs(moved.by))[:_MOVED]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

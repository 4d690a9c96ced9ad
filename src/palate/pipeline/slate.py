"""What a pipeline answers: the slate, what it was made from, and what went less than well."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from palate.pipeline.course import Degraded, Late, Step
from palate.pipeline.journey import Journey
from palate.pipeline.parts import Attributes
from palate.types import Float32Array, Float64Array

__all__ = ["RankedSlate"]


class RankedSlate(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Items in the order in which they are to be shown; arrays have one row an item.

    Attributes:
        ids: (n,) distinct.
        scores: (n,) float32, finite: what each is worth, or how much sources agree on it where
            nothing ranked. An item without a score has the least of the others'.
        propensities: (n,) float64 in (0, 1]: the probability of the item at its place, given
            what stands above.
        drawn: Places from 0, rising, whose item exploration drew.
        sources: Of each item, the names of the sources that gave it.
        attributes: Of each item, by its place from 0.
        outcomes: (n, n_outcomes) float32 probabilities, NaN for items that were not ranked;
            None where nothing ranked.
        outcome_names: Of the columns of `outcomes`.
        features: (n, f) float32, what the rank net read beside embeddings; None: nothing.
        features_fingerprint: Of the schema of `features`.
        degraded: Stages that fell back, and why; empty for the answer that was meant.
        late: Stages that took longer than their budgets, their work in the answer all the same.
        steps: Stages that ran, how long each took, and how many candidates were left.
        dropped: Reason to the number of candidates that went for it.
        nan_scores: Candidates that the rank net gave no finite score.
        cursor: Asks for the next page; None after the last.
        journey: Where each item came from and what moved it, where the request asked.
    """

    ids: list[str]
    scores: Float32Array
    propensities: Float64Array
    drawn: tuple[int, ...]
    sources: list[tuple[str, ...]]
    attributes: Attributes
    outcomes: Float32Array | None
    outcome_names: tuple[str, ...]
    features: Float32Array | None
    features_fingerprint: str | None
    degraded: tuple[Degraded, ...]
    late: tuple[Late, ...]
    steps: tuple[Step, ...]
    dropped: Mapping[str, int]
    nan_scores: int
    cursor: str | None
    journey: Journey | None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_degraded(self) -> bool:
        """Whether something less than what was meant answered."""
        return bool(self.degraded)

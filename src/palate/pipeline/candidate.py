"""Candidates: a struct of arrays, one row an item, in the order in which they were found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from palate.pipeline.attributes import Read
from palate.pipeline.parts import Attributes
from palate.types import Float32Array, Int32Array, Int64Array

__all__ = ["Candidates", "Proposal", "merged"]

_RRF: Final = 60  # k of reciprocal rank fusion, as its authors chose it

# Of a candidate before hydration, and of an item that has none.
_NOTHING: Final[Mapping[str, Any]] = {}


class Proposal(msgspec.Struct, frozen=True, eq=False):
    """What one source gives.

    Attributes:
        ids: Best first; of an id that is there twice the first place counts.
        scores: (len(ids),) float32 on the source's own scale; None: it has none.
        complete: Whether asking it for more would give nothing further.
        vectors: (len(ids), dimension) float32 of the items, where the source has them at hand.
        distinct: Whether no id is there twice, as far as the source knows.
    """

    ids: Sequence[str]
    scores: Float32Array | None = None
    complete: bool = True
    vectors: Float32Array | None = None
    distinct: bool = False


class Candidates(msgspec.Struct, frozen=True, eq=False):
    """Items under consideration. Stages replace columns; only a filter takes rows away.

    Attributes:
        ids: (n,) distinct.
        places: (n, n_sources) int32: place in each source's list from 0, -1 where not in it.
        given: (n, n_sources) float32: the source's own score, NaN where it gave none.
        attributes: What is known of each item; nothing before hydration.
        vectors: (n, dimension) float32, NaN for an item without one, or, before hydration, for
            one whose source had none at hand; None where no source had any.
        features: (n, f) float32, for the rank net; None where there are none.
        outcomes: (n, n_outcomes) float32 probabilities; None where nothing ranked.
        scores: (n,) float32, what they are worth, higher is better; NaN: unknown.
    """

    ids: list[str]
    places: Int32Array
    given: Float32Array
    attributes: Attributes
    vectors: Float32Array | None = None
    features: Float32Array | None = None
    outcomes: Float32Array | None = None
    scores: Float32Array | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Sequence[int] | Int64Array) -> Candidates:
        """The candidates of these rows, in the order of `rows`."""
        chosen = np.asarray(rows, np.int64)
        plain = chosen.tolist()
        return Candidates(
            list(map(self.ids.__getitem__, plain)),
            self.places[chosen],
            self.given[chosen],
            self.attributes.take(plain),
            None if self.vectors is None else self.vectors[chosen],
            None if self.features is None else self.features[chosen],
            None if self.outcomes is None else self.outcomes[chosen],
            None if self.scores is None else self.scores[chosen],
        )

    def having(
        self,
        *,
        attributes: Attributes | None = None,
        vectors: Float32Array | None = None,
        features: Float32Array | None = None,
    ) -> Candidates:
        """The same items with these columns; what is None stays as it was."""
        return Candidates(
            self.ids,
            self.places,
            self.given,
            self.attributes if attributes is None else attributes,
            self.vectors if vectors is None else vectors,
            self.features if features is None else features,
            self.outcomes,
            self.scores,
        )

    def with_scores(self, scores: Float32Array, outcomes: Float32Array | None = None) -> Candidates:
        """The same items, scored."""
        return Candidates(
            self.ids,
            self.places,
            self.given,
            self.attributes,
            self.vectors,
            self.features,
            outcomes,
            scores,
        )

    def agreement(self) -> Float32Array:
        """(n,) float32: how high the sources placed each item, the sum of 1 / (60 + place).

        Places count from 1. Source: Cormack, Clarke and Buettcher 2009, "Reciprocal rank fusion
        outperforms Condorcet and individual rank learning methods", section 2.
        """
        if self.places.shape[1] == 0:
            return np.zeros(len(self.ids), np.float32)
        parts = np.where(self.places >= 0, 1.0 / (_RRF + 1 + self.places), 0.0)
        return np.asarray(parts.sum(axis=1), np.float32)


def merged(proposals: Sequence[Proposal]) -> Candidates:
    """All that the sources gave, each item once, in the order in which it was first found."""
    if len(proposals) == 1:
        (only,) = proposals
        if only.distinct or len(set(only.ids)) == len(only.ids):
            return _alone(only)
    place: dict[str, int] = {}
    rows: list[Int64Array] = []
    for proposal in proposals:
        found = [place.setdefault(item, len(place)) for item in proposal.ids]
        rows.append(np.array(found, np.int64))
    shape = (len(place), len(proposals))
    places, given = np.full(shape, -1, np.int32), np.full(shape, np.nan, np.float32)
    for source, (proposal, own) in enumerate(zip(proposals, rows, strict=True)):
        # Backwards, so that of an id that is there twice the first place stays.
        places[own[::-1], source] = np.arange(len(own), dtype=np.int32)[::-1]
        if proposal.scores is not None:
            given[own[::-1], source] = proposal.scores[::-1]
    vectors = _vectors(proposals, rows, len(place))
    return Candidates(list(place), places, given, Read([_NOTHING] * len(place)), vectors=vectors)


def _alone(proposal: Proposal) -> Candidates:
    """Of one source that gave each item once: most requests."""
    n = len(proposal.ids)
    given = np.full(n, np.nan, np.float32) if proposal.scores is None else proposal.scores
    return Candidates(
        list(proposal.ids),
        np.arange(n, dtype=np.int32)[:, None],
        given[:, None],
        Read([_NOTHING] * n),
        vectors=proposal.vectors,
    )


def _vectors(
    proposals: Sequence[Proposal], rows: Sequence[Int64Array], n: int
) -> Float32Array | None:
    """(n, dimension) of what the sources had at hand, NaN elsewhere; None for nothing."""
    brought = [(p.vectors, own) for p, own in zip(proposals, rows, strict=True)]
    vectors: Float32Array | None = None
    for some, own in brought:
        if some is not None and len(some):
            if vectors is None:
                vectors = np.full((n, some.shape[1]), np.nan, np.float32)
            vectors[own] = some
    return vectors

"""Where a slate's candidates come from, ranked: a model, popularity, or what is new."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice
from typing import NamedTuple, Protocol

import numpy as np

from palate.data.histories import Histories
from palate.serve.catalogue import Catalogue
from palate.serve.faults import MODEL_FAULTS, ModelFaultError
from palate.serve.shelf import Loaded
from palate.types import Int32Array

__all__ = ["ModelSource", "NewestSource", "PopularSource", "Ranking", "Source"]


class Ranking(NamedTuple):
    """Items, best first.

    Attributes:
        ids: Their ids.
        scores: Higher is better.
        rows: Their rows in the release's vocabulary; empty without a release.
        complete: Whether a deeper ranking would have no further items.
    """

    ids: Sequence[str]
    scores: Sequence[float]
    rows: Sequence[int]
    complete: bool


class Source(Protocol):
    """Ranks items; a deeper ranking begins with the shallower one."""

    def rank(self, depth: int) -> Ranking:
        """The best `depth` items."""
        ...

    def narrow(self, ids: Sequence[str]) -> Source:
        """The same among `ids` alone."""
        ...


class ModelSource:
    """The model's own ranking for one history."""

    def __init__(
        self,
        loaded: Loaded,
        history: Histories,
        *,
        exclude_seen: bool,
        candidates: Int32Array | None = None,
    ) -> None:
        self._loaded = loaded
        self._history = history
        self._exclude_seen = exclude_seen
        self._candidates = candidates

    def rank(self, depth: int) -> Ranking:
        """The best `depth` items.

        Raises:
            ModelFaultError: The model failed; its own error is the cause.
        """
        vocabulary = self._loaded.model.vocabulary
        k = min(depth, len(vocabulary))
        try:
            top = self._loaded.model.top_k(
                self._history, k, exclude_seen=self._exclude_seen, candidates=self._candidates
            )
        except MODEL_FAULTS as error:
            raise ModelFaultError(self._loaded.ref) from error
        rows: list[int] = top.items[0].tolist()
        scores: list[float] = top.scores[0].tolist()
        short = rows[-1] < 0
        if short:
            end = rows.index(-1)
            rows, scores = rows[:end], scores[:end]
        ids = vocabulary.ids
        return Ranking([ids[row] for row in rows], scores, rows, short or k < depth)

    def narrow(self, ids: Sequence[str]) -> ModelSource:
        """The same among `ids` alone."""
        rows = self._loaded.model.vocabulary.rows(ids)
        return ModelSource(
            self._loaded,
            self._history,
            exclude_seen=self._exclude_seen,
            candidates=rows[rows >= 0],
        )


class PopularSource:
    """Items by how many people touched them in the release's training data."""

    def __init__(
        self, loaded: Loaded, seen: Collection[str] = (), *, ranked: Int32Array | None = None
    ) -> None:
        self._loaded = loaded
        self._seen = frozenset(seen)
        self._ranked = loaded.popular if ranked is None else ranked

    def rank(self, depth: int) -> Ranking:
        """The best `depth` items."""
        ids, popularity = self._loaded.model.vocabulary.ids, self._loaded.model.popularity
        read = self._ranked[: depth + len(self._seen)]
        unseen = [row for row in read.tolist() if ids[row] not in self._seen]
        rows = unseen[:depth]
        return Ranking(
            [ids[row] for row in rows],
            popularity[rows].tolist(),
            rows,
            len(read) == len(self._ranked) and len(unseen) <= depth,
        )

    def narrow(self, ids: Sequence[str]) -> PopularSource:
        """The same among `ids` alone."""
        rows = self._loaded.model.vocabulary.rows(ids)
        among = np.isin(self._ranked, rows[rows >= 0])
        return PopularSource(self._loaded, self._seen, ranked=self._ranked[among])


class NewestSource:
    """Items most recently changed first; the score is minus the rank."""

    def __init__(
        self, catalogue: Catalogue, seen: Collection[str] = (), *, ids: Sequence[str] | None = None
    ) -> None:
        self._catalogue = catalogue
        self._seen = frozenset(seen)
        self._ids = ids

    def rank(self, depth: int) -> Ranking:
        """The best `depth` items."""
        newest = self._catalogue.newest() if self._ids is None else iter(self._ids)
        ids = list(islice((i for i in newest if i not in self._seen), depth))
        return Ranking(ids, [-float(n) for n in range(1, len(ids) + 1)], (), len(ids) < depth)

    def narrow(self, ids: Sequence[str]) -> NewestSource:
        """The same among `ids` alone, which come in the catalogue's order."""
        return NewestSource(self._catalogue, self._seen, ids=ids)


class SimilarSource:
    """Items by their similarity to one."""

    def __init__(self, loaded: Loaded, row: int, *, among: frozenset[int] | None = None) -> None:
        self._loaded = loaded
        self._row = np.array([row], np.int32)
        self._among = among

    def rank(self, depth: int) -> Ranking:
        """The best `depth` items.

        Raises:
            ModelFaultError: The model failed; its own error is the cause.
        """
        vocabulary = self._loaded.model.vocabulary
        k = len(vocabulary) if self._among is not None else min(depth, len(vocabulary))
        try:
            top = self._loaded.model.similar_rows(self._row, k)
        except MODEL_FAULTS as error:
            raise ModelFaultError(self._loaded.ref) from error
        ids = vocabulary.ids
        found = [
            (row, score)
            for row, score in zip(top.items[0].tolist(), top.scores[0].tolist(), strict=True)
            if row >= 0 and (self._among is None or row in self._among)
        ]
        rows, scores = [row for row, _ in found[:depth]], [score for _, score in found[:depth]]
        complete = len(found) <= depth if k == len(vocabulary) else len(found) < k
        return Ranking([ids[row] for row in rows], scores, rows, complete)

    def narrow(self, ids: Sequence[str]) -> SimilarSource:
        """The same among `ids` alone."""
        rows = self._loaded.model.vocabulary.rows(ids)
        return SimilarSource(
            self._loaded, int(self._row[0]), among=frozenset(rows[rows >= 0].tolist())
        )

"""The contract of a recommender, and the batch machinery that every model shares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, Self, TypeVar, cast

import numpy as np
import polars as pl
from narwhals.typing import IntoDataFrame

from palate import columns as c
from palate.data.dataset import Dataset
from palate.data.frames import to_polars
from palate.data.histories import Histories
from palate.data.vocabulary import Vocabulary
from palate.errors import DataError, NotFittedError, UnknownItemError, UnsupportedError
from palate.models import artefact
from palate.models.config import ModelConfig
from palate.models.kernels.topk import top_k_rows
from palate.types import Float32Array, FloatArray, Int32Array, Progress

__all__ = ["Capability", "Reason", "Recommender", "TopK"]

ConfigT = TypeVar("ConfigT", bound=ModelConfig)
Capability = str  # "similar_items", "explain", "ratings", "cold_items", "partial_fit"

CHUNK_CELLS = 1 << 22  # score cells held at once: 16 MB of float32


@dataclass(frozen=True, slots=True)
class TopK:
    """The best items of several users or items.

    Attributes:
        items: (n, k) int32 rows of the item vocabulary, best first; -1 where there are fewer.
        scores: (n, k) float32, higher is better; NaN beside -1.
    """

    items: Int32Array
    scores: Float32Array


@dataclass(frozen=True, slots=True)
class Reason:
    """One item of a user's history that speaks for a recommendation.

    Attributes:
        item_id: The user's item.
        share: Its part of the score, from 0 to 1; the shares of one answer add up to at most 1.
    """

    item_id: str
    share: float


class Recommender(ABC, Generic[ConfigT]):
    """A model: what users did goes in, what they should see next comes out.

    A model keeps nothing of any user. Users are given as histories: those of the dataset it
    was fitted on, or any others, so a person unknown to training is scored from their events.

    A subclass sets `name` and `Config`, and writes `_fit`, `score_histories`, `_state` and
    `_restore`; `palate.testing.ModelConformance` checks the laws:

    1. After `fit`, `recommend` gives every user distinct items, best first, ties by item id.
    2. A score that is NaN never wins; a user without usable history gets popular items.
    3. `load(save(model))` answers the same to the last bit.
    4. `fit` twice with one seed gives the same answers.
    """

    name: ClassVar[str]
    Config: ClassVar[type[ModelConfig]]
    capabilities: ClassVar[frozenset[Capability]] = frozenset()

    config: ConfigT

    def __init__(self, config: ConfigT | None = None) -> None:
        self.config = config if config is not None else cast(ConfigT, type(self).Config())
        self._vocabulary: Vocabulary | None = None
        self._popularity: Float32Array | None = None  # (n_items,) users per item
        self._dataset: Dataset | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.config!r})"

    # ------------------------------------------------------------------ to be written

    @abstractmethod
    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        """Learn from `dataset.histories`, `dataset.items`; the vocabulary is already kept."""

    @abstractmethod
    def score_histories(self, histories: Histories) -> FloatArray:
        """Score every item for every history.

        Args:
            histories: n users over this model's item vocabulary.

        Returns:
            (n, n_items) float32 or float64, higher is better, a new array that the caller
            may change.
        """

    @abstractmethod
    def _state(self) -> dict[str, np.ndarray]:
        """The learned arrays, by name. No object arrays."""

    @abstractmethod
    def _restore(self, state: dict[str, np.ndarray]) -> None:
        """Take back what `_state` gave."""

    def _similar_rows(self, items: Int32Array) -> FloatArray:
        """(n, n_items) similarity of each item in `items` to all items."""
        raise UnsupportedError(
            f"{self.name} does not compute similar items", hint="use sar, itemknn or contentknn"
        )

    def _contributions(self, history: Histories, item: int) -> FloatArray:
        """(len(history),) what each entry of one user's history adds to the score of `item`."""
        raise UnsupportedError(
            f"{self.name} cannot explain its answers", hint="use sar, itemknn or ease"
        )

    # ------------------------------------------------------------------ fit

    def fit(self, dataset: Dataset, *, progress: Progress | None = None) -> Self:
        """Learn from `dataset`, and keep it as the default source of histories.

        Raises:
            DataError: The model cannot learn from such data.
        """
        self._vocabulary = dataset.item_vocabulary
        self._popularity = dataset.histories.item_counts().astype(np.float32)
        self._fit(dataset, progress)
        self._dataset = dataset
        return self

    def partial_fit(self, dataset: Dataset, *, progress: Progress | None = None) -> Self:
        """Learn from further interactions over the same item vocabulary.

        Raises:
            UnsupportedError: Models that must be refitted.
        """
        raise UnsupportedError(f"{self.name} cannot learn further", hint="fit it again")

    def with_histories(self, dataset: Dataset) -> Self:
        """Take the users' histories from `dataset` from now on; nothing is learned."""
        if dataset.item_vocabulary != self.vocabulary:
            raise DataError("the dataset's items are not those that the model knows")
        self._dataset = dataset
        return self

    @property
    def vocabulary(self) -> Vocabulary:
        """The items that the model knows.

        Raises:
            NotFittedError: Before `fit` or `load`.
        """
        if self._vocabulary is None:
            raise NotFittedError(f"{self.name} is not fitted", hint="call fit or load first")
        return self._vocabulary

    @property
    def popularity(self) -> Float32Array:
        """(n_items,) float32, distinct users per item in the training data."""
        if self._popularity is None:
            raise NotFittedError(f"{self.name} is not fitted", hint="call fit or load first")
        return self._popularity

    # ------------------------------------------------------------------ answers in rows

    def top_k(
        self,
        histories: Histories,
        k: int,
        *,
        exclude_seen: bool = True,
        candidates: Int32Array | None = None,
    ) -> TopK:
        """The best `k` items for each history; holds at most a few megabytes of scores.

        Args:
            histories: n users over this model's item vocabulary.
            k: At least 1; columns beyond the number of items are -1.
            exclude_seen: Leave out the items in a user's own history.
            candidates: (m,) rows to choose from; all items by default.
        """
        if k < 1:
            raise DataError(f"k is {k}; it is at least 1")
        n_items = len(self.vocabulary)
        out = TopK(
            np.full((histories.n_users, k), -1, np.int32),
            np.full((histories.n_users, k), np.nan, np.float32),
        )
        allowed = _allowed(candidates, n_items)
        step = max(1, CHUNK_CELLS // max(1, n_items))
        for start in range(0, histories.n_users, step):
            stop = min(start + step, histories.n_users)
            part = histories.slice(start, stop)
            scores = self._scores_or_popularity(part)
            top_k_rows(
                scores,
                part.indptr,
                part.items,
                exclude_seen,
                allowed,
                out.items[start:stop],
                out.scores[start:stop],
            )
        return out

    def _scores_or_popularity(self, histories: Histories) -> FloatArray:
        """`score_histories`, with popularity for those whose history is empty."""
        scores = self.score_histories(histories)
        scores[np.diff(histories.indptr) == 0] = self.popularity
        return scores

    # ------------------------------------------------------------------ answers in ids

    def recommend(
        self,
        users: Sequence[str],
        k: int = 10,
        *,
        exclude_seen: bool = True,
        candidates: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """The best `k` items for each user.

        Args:
            users: Ids; one without history gets popular items.
            k: Items a user.
            exclude_seen: Leave out what the user has already touched.
            candidates: Item ids to choose from; unknown ones are ignored.

        Returns:
            user_id, item_id (strings), rank (from 1), score (float32); users in the order
            given.
        """
        rows = None if candidates is None else _known(self.vocabulary.rows(candidates))
        top = self.top_k(self._histories_for(users), k, exclude_seen=exclude_seen, candidates=rows)
        return _to_frame(users, top, self.vocabulary, key=c.USER_ID, answer=c.ITEM_ID)

    def score(self, pairs: IntoDataFrame) -> Float32Array:
        """The score of each (user_id, item_id) row of `pairs`, (n,) float32.

        NaN where the item is unknown or the user has no history.
        """
        frame = to_polars(pairs)
        users = frame[c.USER_ID].cast(pl.String)
        distinct = users.unique(maintain_order=True).to_list()
        user_rows = Vocabulary(distinct).rows(users.to_list())
        item_rows = self.vocabulary.rows(frame[c.ITEM_ID].cast(pl.String).to_list())
        histories = self._histories_for(distinct)
        out = np.full(frame.height, np.nan, np.float32)
        step = max(1, CHUNK_CELLS // max(1, len(self.vocabulary)))
        for start in range(0, len(distinct), step):
            part = histories.slice(start, min(start + step, len(distinct)))
            scores = self.score_histories(part)
            scores[np.diff(part.indptr) == 0] = np.nan
            here = (user_rows >= start) & (user_rows < start + step) & (item_rows >= 0)
            out[here] = scores[user_rows[here] - start, item_rows[here]]
        return out

    def similar_items(self, items: Sequence[str], k: int = 10) -> pl.DataFrame:
        """The `k` items nearest to each of `items`, itself left out.

        Returns:
            item_id, similar_item_id, rank, score.

        Raises:
            UnknownItemError: An id that the model does not know.
            UnsupportedError: The model has no notion of it.
        """
        rows = self._item_rows(items)
        scores = self._similar_rows(rows)
        top = TopK(
            np.full((len(rows), k), -1, np.int32), np.full((len(rows), k), np.nan, np.float32)
        )
        indptr = np.arange(len(rows) + 1, dtype=np.int64)
        everything, exclude_self = np.ones(len(self.vocabulary), np.bool_), True
        top_k_rows(scores, indptr, rows, exclude_self, everything, top.items, top.scores)
        return _to_frame(items, top, self.vocabulary, key=c.ITEM_ID, answer=c.SIMILAR_ITEM_ID)

    def explain(self, user: str, item: str, *, k: int = 3) -> list[Reason]:
        """Which of the user's items speak for `item`, with what share, largest first."""
        return self.explain_history(self._histories_for([user]), self._item_rows([item])[0], k=k)

    def explain_history(self, history: Histories, item: int, *, k: int = 3) -> list[Reason]:
        """`explain` for one history and an item row."""
        added = np.maximum(self._contributions(history, item), 0.0)
        total = added.sum()
        if total <= 0:
            return []
        per_item = np.bincount(history.items, added / total, minlength=0)
        best = np.argsort(-per_item, kind="stable")[:k]
        return [
            Reason(self.vocabulary.id(int(r)), float(per_item[r])) for r in best if per_item[r] > 0
        ]

    # ------------------------------------------------------------------ files

    def save(self, folder: Path) -> None:
        """Write the model to an empty or new `folder`: npz and JSON, no pickle, no users."""
        artefact.write(
            folder,
            name=self.name,
            config=self.config,
            state={**self._state(), "popularity": self.popularity},
            vocabulary=self.vocabulary,
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; on `Recommender` itself, whichever model it is.

        Raises:
            BundleError: The folder holds no model, another model, or a damaged one.
        """
        read = artefact.read(folder, expected=None if cls is Recommender else cls)
        model = read.model_class(read.config)
        model._vocabulary = read.vocabulary
        model._popularity = read.state.pop("popularity")
        model._restore(read.state)
        return cast(Self, model)

    # ------------------------------------------------------------------ private

    def _histories_for(self, users: Sequence[str]) -> Histories:
        if self._dataset is None:
            raise NotFittedError(
                f"{self.name} has no histories to look {len(users)} users up in",
                hint="with_histories(dataset) gives a loaded model the users' events",
            )
        return self._dataset.histories.select(self._dataset.user_vocabulary.rows(users))

    def _item_rows(self, items: Sequence[str]) -> Int32Array:
        rows = self.vocabulary.rows(items)
        if (rows < 0).any():
            unknown = items[int(np.argmin(rows))]
            raise UnknownItemError(f"the model knows no item {unknown!r}")
        return rows


def _allowed(candidates: Int32Array | None, n_items: int) -> np.ndarray:
    allowed = np.full(n_items, candidates is None, np.bool_)
    if candidates is not None:
        allowed[candidates] = True
    return allowed


def _known(rows: Int32Array) -> Int32Array:
    return rows[rows >= 0]


def _to_frame(
    keys: Sequence[str], top: TopK, vocabulary: Vocabulary, *, key: str, answer: str
) -> pl.DataFrame:
    row, column = np.nonzero(top.items >= 0)
    found = top.items[row, column]
    return pl.DataFrame(
        {
            key: pl.Series(keys, dtype=pl.String).gather(row),
            answer: pl.Series(vocabulary.ids, dtype=pl.String).gather(found),
            c.RANK: (column + 1).astype(np.int32),
            c.SCORE: top.scores[row, column],
        }
    )

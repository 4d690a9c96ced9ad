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
from palate.errors import (
    BundleError,
    DataError,
    NotFittedError,
    UnknownItemError,
    UnsupportedError,
)
from palate.models import artefact
from palate.models.answers import (
    Best,
    Choice,
    allowed_mask,
    chunk,
    fill_best,
    in_chunks,
    one_each,
    shares,
    to_frame,
    writable,
)
from palate.models.config import ModelConfig
from palate.models.kernels.topk import popularity_where_silent
from palate.models.pairs import distinct_items
from palate.models.threads import thread_count
from palate.types import Float32Array, FloatArray, Int32Array, Progress

__all__ = ["Capability", "Reason", "Recommender", "TopK"]

ConfigT = TypeVar("ConfigT", bound=ModelConfig)
# "similar_items", "explain", "ratings", "cold_items", "partial_fit", "continue_fit"
Capability = str


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
    2. A score that is NaN never wins; a user without usable history gets popular items, and so
       does the end of a list that the history says nothing of.
    3. `load(save(model))` answers the same to the last bit.
    4. `fit` twice with one seed gives the same answers.
    """

    name: ClassVar[str]
    Config: ClassVar[type[ModelConfig]]
    capabilities: frozenset[Capability] = frozenset()  # of the class, or of one model
    parallel: bool = False  # several threads may call `score_histories` at once
    needs_interactions: bool = True  # without any there is nothing to learn from

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
        """Learn from `dataset.histories` and `dataset.items`.

        `vocabulary` and `popularity` are set when this has succeeded.
        """

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
            DataError: The model cannot learn from such data. It is then not fitted.
        """
        self._vocabulary = self._popularity = self._dataset = None
        if dataset.n_items == 0 or (self.needs_interactions and len(dataset) == 0):
            raise DataError(
                f"{self.name} has nothing to learn from: the dataset has "
                f"{len(dataset)} interactions and {dataset.n_items} items"
            )
        self._fit(dataset, progress)
        counts = np.bincount(distinct_items(dataset.histories), minlength=dataset.n_items)
        self._popularity = counts.astype(np.float32)
        self._vocabulary = dataset.item_vocabulary
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
        if histories.n_items != n_items:
            raise DataError(
                f"the histories are over {histories.n_items} items, the model knows {n_items}",
                hint="make them with the model's vocabulary",
            )
        top = _nothing(histories.n_users, k)
        choice = Choice(allowed_mask(candidates, n_items), exclude_seen)
        in_chunks(
            lambda some, out: self._fill_top(some, choice, out),
            writable(histories),
            (top.items, top.scores),
            step=self._users_at_once(),
            threads=thread_count() if self.parallel else 1,
        )
        return top

    def _users_at_once(self) -> int:
        """Users that a thread takes at a time; their scores are what memory goes to."""
        return chunk(len(self.vocabulary))

    def _fill_top(self, histories: Histories, choice: Choice, out: Best) -> None:
        """Write the best items of each history."""
        scores = self.score_histories(histories)
        popularity_where_silent(scores, histories.indptr, self.popularity)
        fill_best(scores, histories, choice, out)

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
        rows = None if candidates is None else self.vocabulary.rows(candidates)
        top = self.top_k(self._histories_for(users), k, exclude_seen=exclude_seen, candidates=rows)
        return to_frame(
            users, (top.items, top.scores), self.vocabulary, key=c.USER_ID, answer=c.ITEM_ID
        )

    def score(self, pairs: IntoDataFrame) -> Float32Array:
        """The score of each (user_id, item_id) row of `pairs`, (n,) float32.

        NaN where the item is unknown or the user has no history.
        """
        frame = to_polars(pairs)
        users = frame[c.USER_ID].cast(pl.String)
        distinct = users.unique(maintain_order=True).to_list()
        user_rows = Vocabulary(distinct).rows(users.to_list())
        item_rows = self.vocabulary.rows(frame[c.ITEM_ID].cast(pl.String).to_list())
        histories = writable(self._histories_for(distinct))
        out = np.full(frame.height, np.nan, np.float32)
        step = chunk(len(self.vocabulary))
        for start in range(0, len(distinct), step):
            part = histories.slice(start, min(start + step, len(distinct)))
            scores = self.score_histories(part)
            scores[np.diff(part.indptr) == 0] = np.nan
            here = (user_rows >= start) & (user_rows < start + step) & (item_rows >= 0)
            out[here] = scores[user_rows[here] - start, item_rows[here]]
        return out

    def similar_items(self, items: Sequence[str], k: int = 10) -> pl.DataFrame:
        """The `k` items nearest to each of `items`, itself left out.

        Fewer where fewer have anything in common with it.

        Returns:
            item_id, similar_item_id, rank, score.

        Raises:
            UnknownItemError: An id that the model does not know.
            UnsupportedError: The model has no notion of it.
        """
        top = self.similar_rows(self._item_rows(items), k)
        return to_frame(
            items, (top.items, top.scores), self.vocabulary, key=c.ITEM_ID, answer=c.SIMILAR_ITEM_ID
        )

    def similar_rows(self, items: Int32Array, k: int) -> TopK:
        """`similar_items` in rows: (n,) int32 items, each with its (k,) nearest."""
        if k < 1:
            raise DataError(f"k is {k}; it is at least 1")
        n_items = len(self.vocabulary)
        top = _nothing(len(items), k)
        choice = Choice(allowed_mask(None, n_items), exclude_seen=True)
        in_chunks(
            lambda some, out: fill_best(self._similar_rows(some.items), some, choice, out),
            one_each(items, n_items),
            (top.items, top.scores),
            step=chunk(n_items),
            threads=1,
        )
        return top

    def explain(self, user: str, item: str, *, k: int = 3) -> list[Reason]:
        """Which of the user's items speak for `item`, with what share, largest first."""
        return self.explain_history(self._histories_for([user]), self._item_rows([item])[0], k=k)

    def explain_history(self, history: Histories, item: int, *, k: int = 3) -> list[Reason]:
        """`explain` for one history and an item row."""
        if history.n_users != 1:
            raise DataError(f"one history is explained at a time, not {history.n_users}")
        share = shares(history, self._contributions(history, item))
        best = np.argsort(-share, kind="stable")[:k]
        return [Reason(self.vocabulary.id(int(r)), float(share[r])) for r in best if share[r] > 0]

    # ------------------------------------------------------------------ files

    def save(self, folder: Path) -> None:
        """Write the model to an empty or new `folder`: npz and JSON, no pickle, no users."""
        artefact.write(
            folder,
            name=self.name,
            config=self.config,
            state={"popularity": self.popularity, **self._state()},  # raises before fit
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
        try:
            model._popularity = read.state.pop("popularity")
            model._restore(read.state)
        except (KeyError, IndexError, ValueError) as error:
            raise BundleError(
                f"{folder} holds a {read.model_class.name} of another version: {error}",
                hint="fit and save it again",
            ) from error
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


def _nothing(n: int, k: int) -> TopK:
    return TopK(np.full((n, k), -1, np.int32), np.full((n, k), np.nan, np.float32))

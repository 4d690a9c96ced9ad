"""What factor models share: a user is folded in from a history, a score is an inner product."""

from __future__ import annotations

from abc import abstractmethod
from typing import TypeVar

import numpy as np

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.errors import BundleError, DataError
from palate.models.answers import Best, Choice, chunk
from palate.models.base import Recommender
from palate.models.config import ModelConfig
from palate.models.kernels.inner import inner_products, panels_of
from palate.models.kernels.inner_topk import inner_top_k
from palate.models.pairs import distinct_items
from palate.types import Float32Array, FloatArray, Int32Array

__all__ = ["Latent", "check_width", "initial_factors"]

USERS = 512  # at once for a thread: enough to share the panels, few enough to share the work
ConfigT = TypeVar("ConfigT", bound=ModelConfig)


class Latent(Recommender[ConfigT]):
    """score(u, j) = x_u . y_j with x_u computed from u's history when it is asked for.

    A subclass ends `_fit` with `_set_items`, and says in `_fold_in` what a history makes of a
    user. What is saved is the items' side alone.
    """

    parallel = True

    _items: Float32Array  # (n_items, f)
    _panels: Float32Array  # the same as compiled loops want them

    def _set_items(self, items: Float32Array) -> None:
        """Keep what was learned.

        Raises:
            DataError: It is not finite.
        """
        if not np.isfinite(items).all():
            raise DataError(
                f"{self.name} did not settle: its factors grew beyond all bounds",
                hint="look for values far out of scale, raise lambda_, or take smaller steps",
            )
        self._items = np.ascontiguousarray(items, np.float32)
        self._panels = panels_of(self._items)

    @abstractmethod
    def _fold_in(self, histories: Histories) -> Float32Array:
        """(n, f) float32, the vector of each history; 0 where it says nothing."""

    def _users_at_once(self) -> int:
        return USERS

    def _check_items(self, dataset: Dataset) -> None:
        """Refuse to learn further from a dataset over other items.

        Raises:
            DataError: The items are not those that the model knows.
        """
        if dataset.item_vocabulary != self.vocabulary:
            raise DataError(
                "the dataset's items are not those that the model knows", hint="fit it again"
            )

    def _rows_before(self, dataset: Dataset, sweeps: int) -> Int32Array:
        """(n_items,) int32, the row that each item of `dataset` has here; -1 for a new one.

        Raises:
            DataError: A refit of less than one sweep.
        """
        if sweeps < 1:
            raise DataError(f"a refit has at least one sweep, not {sweeps}")
        return self.vocabulary.rows(dataset.item_vocabulary.ids)

    def _count_in(self, dataset: Dataset) -> None:
        """Add the users of `dataset` to the popularity, and take the histories from it."""
        counts = np.bincount(distinct_items(dataset.histories), minlength=dataset.n_items)
        self._popularity = self.popularity + counts.astype(np.float32)
        self._dataset = dataset

    def _fill_top(self, histories: Histories, choice: Choice, out: Best) -> None:
        silent = inner_top_k(
            self._fold_in(histories),
            self._panels,
            histories.indptr,
            histories.items,
            choice.exclude_seen,
            choice.allowed,
            *out,
        )
        if silent.any():
            rows = np.flatnonzero(silent)
            again = (np.full_like(out[0][rows], -1), np.full_like(out[1][rows], np.nan))
            step = chunk(histories.n_items)
            for start in range(0, len(rows), step):
                part = slice(start, start + step)
                some = histories.select(rows[part])
                super()._fill_top(some, choice, (again[0][part], again[1][part]))
            out[0][rows], out[1][rows] = again

    def score_histories(self, histories: Histories) -> FloatArray:
        """(n, n_items) float32 inner products."""
        out = np.empty((histories.n_users, len(self._items)), np.float32)
        inner_products(self._fold_in(histories), self._panels, out)
        return out

    @property
    def _vectors(self) -> Float32Array:
        """(n_items, f) what items are compared by: factors without biases."""
        return self._items

    def _similar_rows(self, items: Int32Array) -> FloatArray:
        """(n, n_items) float32 cosines; NaN where one of the two is 0."""
        vectors = self._vectors
        norms = np.sqrt(np.einsum("if,if->i", vectors, vectors))
        norms[norms == 0] = np.nan
        products = vectors[items] @ vectors.T
        found: Float32Array = products / norms[items, None] / norms
        return found

    def _state(self) -> dict[str, np.ndarray]:
        return {"items": self._items}

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        self._set_items(state["items"])


def check_width(name: str, items: Float32Array, *, found: int, wanted: int) -> None:
    """Refuse a bundle whose config is not that of its arrays.

    Args:
        name: Of the model.
        items: (n_items, columns), as they stood in the bundle.
        found: Factors that they hold.
        wanted: Factors that the config asks for.

    Raises:
        BundleError: The two differ, or the array is no matrix.
    """
    if items.ndim != 2 or found != wanted:
        raise BundleError(
            f"a {name} of {wanted} factors was expected, and the arrays hold {found}",
            hint="its config is not the one that it was fitted with: fit and save it again",
        )


def initial_factors(n: int, f: int, *, std: float, seed: int, width: int = 0) -> Float32Array:
    """(n, f) float32, normal around 0 with deviation `std`; zeros from f to `width`."""
    factors = np.zeros((n, max(f, width)), np.float32)
    factors[:, :f] = np.random.default_rng(seed).normal(0.0, std, (n, f))
    return factors

"""Negative sampling: items that a user has not touched, uniformly or by popularity."""

from __future__ import annotations

from typing import Final

import numpy as np

from palate.data.histories import Histories
from palate.errors import DataError
from palate.types import BoolArray, Float64Array, Int32Array, Int64Array

__all__ = ["sample_negatives"]

ROUNDS: Final = 16  # of redrawing refused lots before a user's choice is drawn exactly


def sample_negatives(
    histories: Histories,
    users: Int32Array | Int64Array,
    n: int,
    *,
    seed: int,
    alpha: float = 0.0,
    distinct: bool = False,
) -> Int32Array:
    """Draw `n` items for each of `users`, none of which the user has touched.

    An item's chance is proportional to (users who touched it) ** alpha among those that the
    user has not touched: 0 is uniform over all items, touched by anybody or not; 0.75 is the
    choice of word2vec (Mikolov et al. 2013, section 2.2).

    Args:
        histories: What counts as touched.
        users: (m,) rows of `histories`; a row may stand more than once.
        n: Items a row, at least 1.
        seed: Same seed and input, same answer.
        alpha: Exponent of popularity, at least 0.
        distinct: No item twice in one row, as judging against 99 negatives needs.

    Returns:
        (m, n) int32 rows of the item vocabulary.

    Raises:
        DataError: A user has touched everything that could be drawn, or, where `distinct`,
            has fewer than `n` such items left; names the user's row.
    """
    if n < 1 or alpha < 0:
        raise DataError(f"n is {n} and alpha {alpha}; n is at least 1, alpha at least 0")
    weights = _weights(histories, alpha)
    touched = _Touched(histories)
    _check_left(histories, users, weights, needed=n if distinct else 1)
    rng = np.random.default_rng(seed)
    cumulative = np.cumsum(weights)
    out = _draw(rng, cumulative, (len(users), n))
    refused = _refused(touched, users, out, distinct=distinct)
    for _ in range(ROUNDS):
        rows = np.flatnonzero(refused.any(axis=1))
        if not len(rows):
            return out
        part, bad = out[rows], refused[rows]
        part[bad] = _draw(rng, cumulative, (int(bad.sum()),))
        out[rows] = part
        refused[rows] = _refused(touched, users[rows], part, distinct=distinct)
    for row in np.flatnonzero(refused.any(axis=1)):
        out[row] = _exact(rng, weights, histories, int(users[row]), n, distinct)
    return out


class _Touched:
    """Membership of (user, item) pairs by binary search over sorted keys."""

    def __init__(self, histories: Histories) -> None:
        self._n_items = histories.n_items
        keys = histories.users().astype(np.int64) * self._n_items + histories.items
        self._keys = np.unique(keys)  # (pairs,) int64

    def __call__(self, users: Int32Array | Int64Array, items: Int32Array) -> BoolArray:
        """(m, n) bool for (m,) users and (m, n) items."""
        if not len(self._keys):
            return np.zeros(items.shape, np.bool_)
        wanted = users.astype(np.int64)[:, None] * self._n_items + items
        places = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        found: BoolArray = self._keys[places] == wanted
        return found


def _weights(histories: Histories, alpha: float) -> Float64Array:
    if alpha == 0:
        return np.ones(histories.n_items)
    weights: Float64Array = histories.item_counts().astype(np.float64) ** alpha
    return weights


def _check_left(
    histories: Histories, users: Int32Array | Int64Array, weights: Float64Array, *, needed: int
) -> None:
    drawable = weights > 0
    matrix = histories.matrix(binary=True)
    matrix.data = drawable[matrix.indices].astype(np.float32)
    left = int(drawable.sum()) - np.asarray(matrix.sum(axis=1)).ravel()[users]
    if (left < needed).any():
        worst = int(np.argmin(left))
        raise DataError(
            f"the user in row {int(users[worst])} has {int(left[worst])} items left to draw "
            f"from; {needed} are needed",
            hint="draw fewer, leave such users out, or use alpha=0",
        )


def _draw(rng: np.random.Generator, cumulative: Float64Array, shape: tuple[int, ...]) -> Int32Array:
    lots = rng.random(shape) * cumulative[-1]
    last = np.searchsorted(cumulative, cumulative[-1])  # a lot may round up to the total
    drawn = np.minimum(np.searchsorted(cumulative, lots, side="right"), last)
    return np.asarray(drawn, np.int32)


def _refused(
    touched: _Touched, users: Int32Array | Int64Array, items: Int32Array, *, distinct: bool
) -> BoolArray:
    bad = touched(users, items)
    if distinct:
        order = np.argsort(items, axis=1, kind="stable")
        ordered = np.take_along_axis(items, order, axis=1)
        repeats = np.zeros(items.shape, np.bool_)
        np.put_along_axis(repeats, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
        bad |= repeats
    return bad


def _exact(
    rng: np.random.Generator,
    weights: Float64Array,
    histories: Histories,
    user: int,
    n: int,
    distinct: bool,  # noqa: FBT001  # private
) -> Int32Array:
    """One row drawn from the explicit complement: for users who touched nearly everything."""
    chances = weights.copy()
    chances[histories.items[histories.indptr[user] : histories.indptr[user + 1]]] = 0
    return rng.choice(len(chances), size=n, replace=not distinct, p=chances / chances.sum()).astype(
        np.int32
    )

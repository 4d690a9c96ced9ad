"""Where pages find their cars: draws by exposure among all cars, those of a make, of a body.

A query for a make, a body or both is one range of cars that are sorted by make and body, or by
body; a draw is a search in the running sum of exposure, whatever the number of cars.
"""

from __future__ import annotations

import numpy as np

from palate.data.generated.cars import market
from palate.data.generated.cars.stock import Codes, Stock
from palate.types import BoolArray, Float64Array, Int64Array

__all__ = ["ANY", "Shelves"]

ANY = -1  # in a query: whatever the value


class Shelves:
    """Ranges of cars by make and body.

    Args:
        stock: All cars; those of unknown make or body are found by no query for one.
    """

    def __init__(self, stock: Stock) -> None:
        self._n_bodies = len(market.BODIES) + 1
        make = _known(stock.make, len(market.MAKES))
        body = _known(stock.body, len(market.BODIES))
        self._by_make = _Shelf(make * self._n_bodies + body, stock)
        self._by_body = _Shelf(body, stock)

    def draw(
        self, rng: np.random.Generator, make: Int64Array, body: Int64Array, each: int
    ) -> Int64Array:
        """Cars that fit each query, by exposure and with repetition.

        Args:
            rng: Draws.
            make: (n,) codes, or `ANY`.
            body: (n,) codes, or `ANY`.
            each: Cars a query.

        Returns:
            (n, each) int64 rows. Where nothing fits, it is a draw from all cars.
        """
        lots = rng.random((len(make), each))
        by_body = (make == ANY) & (body != ANY)
        found = np.empty(lots.shape, np.int64)
        found[by_body] = self._by_body.draw(lots[by_body], body[by_body], body[by_body] + 1)
        low = np.where(body == ANY, make * self._n_bodies, make * self._n_bodies + body)
        high = np.where(body == ANY, low + self._n_bodies, low + 1)
        low, high = np.where(make == ANY, 0, low), np.where(make == ANY, 1 << 30, high)
        rest = ~by_body
        found[rest] = self._by_make.draw(lots[rest], low[rest], high[rest])
        return found

    def offers(self, make: Int64Array, body: Int64Array) -> BoolArray:
        """(n,) whether there are any cars of that make and body."""
        return self._by_make.holds(make * self._n_bodies + body)


class _Shelf:
    """Cars sorted by a key, and the running sum of their exposure."""

    def __init__(self, key: Int64Array, stock: Stock) -> None:
        self._order = np.argsort(key, kind="stable").astype(np.int32)
        self._keys = key[self._order]
        exposure = stock.exposure[self._order].astype(np.float64)
        self._sums: Float64Array = np.concatenate([[0.0], exposure.cumsum()])

    def draw(self, lots: Float64Array, low: Int64Array, high: Int64Array) -> Int64Array:
        """(n, m) rows of cars with low <= key < high, by exposure; `lots` are in [0, 1)."""
        start = np.searchsorted(self._keys, low)
        stop = np.searchsorted(self._keys, high)
        empty = start == stop
        start, stop = np.where(empty, 0, start), np.where(empty, len(self._keys), stop)
        below = self._sums[start][:, None]
        at = below + lots * (self._sums[stop][:, None] - below)
        place = np.searchsorted(self._sums, at, side="right") - 1
        return self._order[np.clip(place, start[:, None], stop[:, None] - 1)].astype(np.int64)

    def holds(self, key: Int64Array) -> BoolArray:
        """(n,) whether there is a car of each key."""
        place = np.searchsorted(self._keys, key).clip(max=len(self._keys) - 1)
        return np.asarray(self._keys[place] == key)


def _known(codes: Codes, unknown: int) -> Int64Array:
    """The codes, with `unknown` where it was -1: it sorts last."""
    return np.where(codes < 0, unknown, codes).astype(np.int64)

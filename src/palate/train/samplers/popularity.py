"""Negatives by popularity: what many touched is drawn more often."""

from __future__ import annotations

import numpy as np

from palate.errors import DataError
from palate.train.kernels.draws import draw_untouched
from palate.train.samplers.touched import Touched
from palate.types import Float32Array, Float64Array, Int64Array

__all__ = ["PopularitySampler"]


class PopularitySampler:
    """Draws items with chances proportional to count ** alpha.

        sampler = PopularitySampler(counts, alpha=0.75, touched=Touched.of(users, items, n_users))
        negatives = sampler.draw(rng, users, 4)          # (n, 4) int64
        corrected = scores - sampler.log_q[negatives]

    Source: Mikolov et al. 2013, "Distributed representations of words and phrases and their
    compositionality", NIPS, section 2.2 (alpha 0.75); Walker 1977, "An efficient method for
    generating discrete random variables with general distributions", ACM TOMS (alias table).

    Args:
        counts: (n_items,) at least 0; what has 0 is drawn only where a user has touched nearly
            all that has more.
        alpha: Exponent; 0 is uniform.
        touched: What is not drawn for a user; None draws anything.

    Raises:
        DataError: No item, a negative or infinite count, or nothing above 0.

    Attributes:
        log_q: (n_items,) float32 natural logarithm of an item's chance, -inf where it has none;
            before a user's touched items are left out.
    """

    def __init__(
        self, counts: Float64Array, *, alpha: float = 0.75, touched: Touched | None = None
    ) -> None:
        given = np.asarray(counts, np.float64)
        usable = given.ndim == 1 and len(given) > 0 and bool(np.isfinite(given).all())
        if not usable or bool((given < 0).any()):
            raise DataError("popularity needs one count an item, finite and at least 0")
        weights = np.where(given > 0, given, 0) ** alpha if alpha else np.ones(len(given))
        total = weights.sum()
        if total <= 0:
            raise DataError("no item has a count above 0", hint="sample uniformly")
        if touched is not None and touched.n_items > len(given):
            raise DataError(f"users touched {touched.n_items} items, but {len(given)} are known")
        chances = weights / total
        with np.errstate(divide="ignore"):
            self.log_q: Float32Array = np.log(chances).astype(np.float32)
        self._table = _alias(chances)
        self._touched = touched

    def draw(self, rng: np.random.Generator, users: Int64Array, m: int) -> Int64Array:
        """(n, m) int64 item rows, with replacement, for (n,) int64 user rows.

        A user who touched everything gets anything.
        """
        touched = self._touched
        if touched is None:
            users, touched = np.zeros(len(users), np.int64), Touched.nothing()
        out = np.empty((len(users), m), np.int64)
        seed = np.uint64(rng.integers(1 << 63))
        draw_untouched(users, touched.indptr, touched.items, self._table, seed, out)
        return out


def _alias(chances: Float64Array) -> tuple[Float64Array, Int64Array]:
    """Walker's table by Vose's method: item i keeps its cell with chance share[i]."""
    n = len(chances)
    share, other = chances * n, np.arange(n, dtype=np.int64)
    if np.ptp(chances) == 0:
        return np.ones(n), other
    small = [int(i) for i in np.flatnonzero(share < 1)]
    large = [int(i) for i in np.flatnonzero(share >= 1)]
    while small and large:
        least, most = small.pop(), large[-1]
        other[least] = most
        share[most] -= 1 - share[least]
        if share[most] < 1:
            small.append(large.pop())
    share[small + large] = 1  # what rounding left over
    return share, other

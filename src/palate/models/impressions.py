"""Clicks with what was clicked before, and with what was shown beside them and left alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palate.data.histories import Histories
from palate.types import Int32Array, Int64Array

__all__ = ["Impressions"]


@dataclass(frozen=True, slots=True)
class Impressions:
    """One case a click that has a history.

    What was shown and not clicked stands in a dataset as events that are worth nothing (weight
    0) or less; those at the time of a click were shown beside it. Where there are none, all
    that the user left alone stands in, and where there is none of that, nothing does.

    Attributes:
        clicked: (n,) int32 item.
        before: (n, T) int32 items clicked earlier, newest last, at the right; -1 before them.
        left: (m,) int32 items that were left alone.
        start: (n,) int64, where those beside each click begin in `left`.
        stop: (n,) int64, and where they end.
        times_us: (n,) int64, when each was clicked; -1 where unknown.
    """

    clicked: Int32Array
    before: Int32Array
    left: Int32Array
    start: Int64Array
    stop: Int64Array
    times_us: Int64Array

    @classmethod
    def of(cls, histories: Histories, newest: int) -> Impressions:
        """From histories; clicks at one known time are not before each other.

        Args:
            histories: Values above 0 are clicks.
            newest: T, how many clicks before are kept.
        """
        users, liked = histories.users(), histories.values > 0
        entries = np.flatnonzero(liked)
        n_liked = np.concatenate(([0], np.cumsum(liked)))
        n_left = np.concatenate(([0], np.cumsum(~liked)))
        first, last = histories.indptr[users[entries]], histories.indptr[users[entries] + 1]
        begin, end = _moments(users, histories.timestamps)
        begin, end = begin[entries], end[entries]
        start, stop = n_left[begin], n_left[end]
        alone = start == stop  # nothing else at that time: all that the user left alone
        start = np.where(alone, n_left[first], start)
        stop = np.where(alone, n_left[last], stop)
        items = histories.items[liked]
        places = n_liked[begin][:, None] - np.arange(newest, 0, -1)
        known = places >= n_liked[first][:, None]
        before = np.where(known, items[np.maximum(places, 0)] if len(items) else 0, -1)
        some = known.any(axis=1)
        return cls(
            items[some],
            before[some].astype(np.int32),
            histories.items[~liked],
            start[some],
            stop[some],
            histories.timestamps[liked][some],
        )

    def __len__(self) -> int:
        return len(self.clicked)

    def select(self, rows: Int64Array) -> Impressions:
        """Some of the cases."""
        return Impressions(
            self.clicked[rows],
            self.before[rows],
            self.left,
            self.start[rows],
            self.stop[rows],
            self.times_us[rows],
        )

    def beside(
        self, rows: Int64Array, k: int, pool: Int32Array, rng: np.random.Generator
    ) -> Int32Array:
        """(len(rows), k) int32 items that were left alone, drawn with replacement.

        Args:
            rows: Cases.
            k: How many for each.
            pool: What is drawn from for a case beside which nothing was left alone.
            rng: Draws.
        """
        lots = rng.random((len(rows), k))
        start, n = self.start[rows, None], (self.stop - self.start)[rows, None]
        at = start + np.minimum((lots * n).astype(np.int64), np.maximum(n - 1, 0))
        drawn = pool[(lots * len(pool)).astype(np.int64)]
        if not len(self.left):
            return drawn
        return np.where(n > 0, self.left[np.minimum(at, len(self.left) - 1)], drawn)


def _moments(users: Int32Array, times: Int64Array) -> tuple[Int64Array, Int64Array]:
    """(n,) int64 each: first entry of the user's at the same known time, and after the last."""
    n = len(users)
    new = np.ones(n, np.bool_)
    new[1:] = (users[1:] != users[:-1]) | (times[1:] != times[:-1]) | (times[1:] < 0)
    starts = np.flatnonzero(new)
    moment = np.cumsum(new) - 1
    ends = np.append(starts[1:], n)
    return starts[moment].astype(np.int64), ends[moment].astype(np.int64)

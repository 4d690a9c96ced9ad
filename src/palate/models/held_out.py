"""A part of what people did, held out of training to decide when to stop: never the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from palate.data.histories import Histories
from palate.metrics.ndcg import ndcg
from palate.metrics.ranking import Ranking
from palate.metrics.relevant import Relevant
from palate.models.answers import Choice, allowed_mask, chunk, fill_best
from palate.types import BoolArray, FloatArray

__all__ = ["HeldOut", "entries_of"]

MOST_USERS = 2000  # judged after an epoch: NDCG is then known to about 0.005
K = 10


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Histories cut in two.

    Attributes:
        kept: Of all users, what is learned from.
        asked: Of the users judged, what they are scored from, their part of `kept`.
        wanted: What they are to be recommended.
    """

    kept: Histories
    asked: Histories
    wanted: Relevant

    @classmethod
    def random(cls, histories: Histories, *, share: float, seed: int) -> Self:
        """Hold out about `share` of the entries, and never all of one user's."""
        drawn = np.random.default_rng(seed).random(len(histories)) < share
        starts, ends = histories.indptr[:-1], histories.indptr[1:]
        some = ends > starts
        before = np.concatenate(([0], np.cumsum(drawn)))
        all_drawn = some & (before[ends] - before[starts] == ends - starts)
        drawn[starts[all_drawn]] = False
        return cls._cut(histories, drawn, seed)

    @classmethod
    def last(cls, histories: Histories, *, share: float, seed: int) -> Self:
        """Hold out the newest entry of a `share` of the users who have three or more."""
        long = np.flatnonzero(np.diff(histories.indptr) >= 3)
        n = round(len(long) * share)
        users = np.random.default_rng(seed).permutation(long)[:n]
        held = np.zeros(len(histories), np.bool_)
        held[histories.indptr[users + 1] - 1] = True
        return cls._cut(histories, held, seed)

    @classmethod
    def _cut(cls, histories: Histories, held: BoolArray, seed: int) -> Self:
        kept, out = entries_of(histories, ~held), entries_of(histories, held)
        users = np.flatnonzero(np.diff(out.indptr))
        if len(users) > MOST_USERS:
            users = np.sort(np.random.default_rng(seed).permutation(users)[:MOST_USERS])
        return cls(kept, kept.select(users), Relevant.from_histories(out.select(users)))

    def __len__(self) -> int:
        """Users judged."""
        return self.asked.n_users

    def ndcg(self, scores: Callable[[Histories], FloatArray]) -> float:
        """Mean NDCG@10 of the judged users' unseen items.

        Args:
            scores: Gives (n, n_items) scores, higher is better, for n histories.
        """
        n = self.asked.n_users
        items, found = np.full((n, K), -1, np.int32), np.full((n, K), np.nan, np.float32)
        choice = Choice(allowed_mask(None, self.asked.n_items), exclude_seen=True)
        step = chunk(self.asked.n_items)
        for start in range(0, n, step):
            part = self.asked.slice(start, min(start + step, n))
            fill_best(scores(part), part, choice, (items[start:][:step], found[start:][:step]))
        return float(ndcg(Ranking(items, self.wanted), K).mean())


def entries_of(histories: Histories, chosen: BoolArray) -> Histories:
    """The same users with the entries in `chosen`, (len(histories),) bool, alone."""
    before = np.concatenate(([0], np.cumsum(chosen)))
    return histories.entries(before[histories.indptr].astype(np.int64), chosen)

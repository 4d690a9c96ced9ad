"""What a dataset holds, in a few figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from palate import columns as c

__all__ = ["Summary"]


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures that tables of data sets show.

    Attributes:
        n_events: Interactions, repeats included.
        n_users: Users of the vocabulary, with and without events.
        n_items: Items of the vocabulary, touched or not.
        n_active_users: Users with at least one event.
        n_touched_items: Items with at least one event.
        density: Distinct (user, item) pairs over n_users times n_items, 0 to 1.
        events: Interactions by event type, most frequent first.
        first: The earliest time (UTC), or None where no time is known.
        last: The latest.
    """

    n_events: int
    n_users: int
    n_items: int
    n_active_users: int
    n_touched_items: int
    density: float
    events: dict[str, int]
    first: datetime | None
    last: datetime | None

    @classmethod
    def of(cls, interactions: pl.DataFrame, *, n_users: int, n_items: int) -> Summary:
        """Summarise canonical `interactions` over vocabularies of the given sizes."""
        counts = (
            interactions.group_by(c.EVENT).len().sort(["len", c.EVENT], descending=[True, False])
        )
        cells = n_users * n_items
        pairs = interactions.select(c.USER_ID, c.ITEM_ID).n_unique() if interactions.height else 0
        span = interactions.select(
            pl.col(c.TIMESTAMP).min().alias("first"), pl.col(c.TIMESTAMP).max().alias("last")
        ).row(0)
        return cls(
            n_events=interactions.height,
            n_users=n_users,
            n_items=n_items,
            n_active_users=interactions[c.USER_ID].n_unique(),
            n_touched_items=interactions[c.ITEM_ID].n_unique(),
            density=pairs / cells if cells else 0.0,
            events=dict(counts.rows()),
            first=span[0],
            last=span[1],
        )

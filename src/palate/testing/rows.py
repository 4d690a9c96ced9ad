"""Small datasets and histories for tests: rows written out, or drawn with a seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from palate.data import Dataset, Histories

__all__ = ["DAY_S", "dataset", "history", "random_histories"]

DAY_S = 86_400


def dataset(
    rows: Sequence[tuple[str, str, float, float]], items: pl.DataFrame | None = None
) -> Dataset:
    """From (user, item, value, day)."""
    frame = pl.DataFrame(rows, schema=["user_id", "item_id", "value", "timestamp"], orient="row")
    return Dataset.from_frames(
        frame.with_columns(pl.col("timestamp") * DAY_S + 1_700_000_000), items=items
    )


def history(
    items: Sequence[int], n_items: int, values: Sequence[float] | None = None, time_us: int = -1
) -> Histories:
    """One user's, all at one time."""
    n = len(items)
    return Histories(
        np.array([0, n], np.int64),
        np.array(items, np.int32),
        np.ones(n, np.float32) if values is None else np.array(values, np.float32),
        np.full(n, time_us, np.int64),
        n_items,
    )


def random_histories(rng: np.random.Generator, n_users: int, n_items: int, n: int) -> Histories:
    """`n` entries, with repeats and empty users."""
    return Histories.from_entries(
        rng.integers(0, n_users, n).astype(np.int32),
        rng.integers(0, n_items, n).astype(np.int32),
        rng.normal(1.0, 1.0, n).astype(np.float32),
        rng.integers(0, 10**15, n),
        n_users=n_users,
        n_items=n_items,
    )

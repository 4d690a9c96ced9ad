from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from palate.data import Dataset


def test_the_figures_of_the_shop(shop: Dataset) -> None:
    summary = shop.summary()
    assert (summary.n_events, summary.n_users, summary.n_items) == (6, 3, 4)
    assert (summary.n_active_users, summary.n_touched_items) == (3, 3)
    assert summary.density == pytest.approx(4 / 12)  # u1-a, u1-b, u2-b, u3-c
    assert list(summary.events.items()) == [("click", 4), ("buy", 2)]
    assert summary.first == datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)
    assert summary.last == datetime(1970, 1, 1, 0, 0, 30, tzinfo=UTC)


def test_without_times() -> None:
    summary = Dataset.from_frames(pl.DataFrame({"user_id": ["u"], "item_id": ["a"]})).summary()
    assert summary.first is None
    assert summary.last is None
    assert summary.density == 1.0


def test_without_events(shop: Dataset) -> None:
    summary = shop.with_interactions(shop.interactions.head(0)).summary()
    assert (summary.n_events, summary.n_active_users, summary.density) == (0, 0, 0.0)

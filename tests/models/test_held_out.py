"""What is held out: a share, never all of a user's, judged by NDCG worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from palate.data import Histories
from palate.models.held_out import HeldOut, entries_of
from palate.testing.rows import history, random_histories


def joined(parts: HeldOut) -> set[tuple[int, int]]:
    """(user, item) of what is kept; the judged users are all users here."""
    return set(zip(parts.kept.users().tolist(), parts.kept.items.tolist(), strict=True))


@pytest.fixture
def many() -> Histories:
    return random_histories(np.random.default_rng(5), 200, 50, 4000)


def test_random_cuts_the_share_and_loses_nothing(many: Histories) -> None:
    parts = HeldOut.random(many, share=0.25, seed=1)
    assert len(many) * 0.7 < len(parts.kept) < len(many) * 0.8
    counts = np.bincount(many.items, minlength=50)
    held = np.bincount(parts.wanted.items, minlength=50)
    kept = np.bincount(parts.kept.items, minlength=50)
    assert (held <= counts - kept).all()  # `wanted` names an item once
    assert held.sum() > 0.2 * len(many)


def test_random_leaves_every_user_something(many: Histories) -> None:
    parts = HeldOut.random(many, share=0.95, seed=1)
    had = np.diff(many.indptr) > 0
    assert (np.diff(parts.kept.indptr)[had] >= 1).all()


def test_one_seed_cuts_alike(many: Histories) -> None:
    one, same, other = (HeldOut.random(many, share=0.2, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.kept.items, same.kept.items)
    assert joined(one) != joined(other)


def test_users_of_one_item_are_not_judged() -> None:
    alone = Histories.from_entries(
        np.arange(30, dtype=np.int32),
        np.zeros(30, np.int32),
        np.ones(30, np.float32),
        np.zeros(30, np.int64),
        n_users=30,
        n_items=2,
    )
    parts = HeldOut.random(alone, share=0.5, seed=0)
    assert len(parts) == 0
    assert len(parts.kept) == 30


def test_last_takes_the_newest_of_users_with_three() -> None:
    histories = Histories.from_entries(
        np.array([0, 0, 0, 1, 1], np.int32),
        np.array([4, 2, 3, 1, 0], np.int32),
        np.ones(5, np.float32),
        np.array([10, 30, 20, 10, 20]),
        n_users=2,
        n_items=5,
    )
    parts = HeldOut.last(histories, share=1.0, seed=0)
    assert len(parts) == 1
    assert parts.wanted.items.tolist() == [2]
    assert parts.kept.items.tolist() == [4, 3, 1, 0]


def test_ndcg_leaves_out_what_was_kept() -> None:
    # Item 0 scores best and is known; 1 is not wanted; 2 is, and comes second.
    histories = history([0, 2], 4)
    parts = HeldOut(
        entries_of(histories, np.array([True, False])),
        history([0], 4),
        HeldOut.last(history([0, 1, 2], 4), share=1.0, seed=0).wanted,
    )
    scores = np.array([9, 8, 7, 1], np.float32)
    found = parts.ndcg(lambda some: np.tile(scores, (some.n_users, 1)))
    assert found == pytest.approx(1 / np.log2(3))


def test_a_nan_never_wins() -> None:
    parts = HeldOut.last(history([0, 1, 2], 3), share=1.0, seed=0)
    assert parts.ndcg(lambda some: np.full((some.n_users, 3), np.nan, np.float32)) == 0.0

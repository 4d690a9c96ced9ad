from __future__ import annotations

import numpy as np
import pytest

from palate.data.generated import generate
from palate.data.generated.movies import GENRES
from palate.errors import DataError


def test_sizes_are_as_asked() -> None:
    made = generate(50, 40, 700, seed=1)
    summary = made.dataset.summary()
    assert (summary.n_events, summary.n_users, summary.n_items) == (700, 50, 40)
    assert summary.n_active_users == 50
    assert made.taste.shape == (50, len(GENRES))
    assert made.genres.shape == (40, len(GENRES))
    assert made.affinity().shape == (50, 40)


def test_the_seed_decides() -> None:
    assert generate(seed=1).dataset.checksum == generate(seed=1).dataset.checksum
    assert generate(seed=1).dataset.checksum != generate(seed=2).dataset.checksum


def test_rows_of_the_truth_are_rows_of_the_vocabulary() -> None:
    """Ids are padded, so that their order as text is the order in which they were made."""
    made = generate(120, 100, 2_000, seed=3)
    for row, (public, genres) in enumerate(
        made.dataset.items_by_row.select("item_id", "genres").iter_rows()
    ):
        assert public == made.dataset.item_vocabulary.id(row)
        assert genres == [GENRES[g] for g in np.flatnonzero(made.genres[row])]
    np.testing.assert_allclose(made.genres.sum(axis=1), 1.0)


def test_clicks_follow_the_taste() -> None:
    made = generate(200, 150, 4_000, seed=4)
    affinity = made.affinity()
    clicked = made.dataset.histories.matrix(binary=True).toarray() > 0
    assert affinity[clicked].mean() > affinity[~clicked].mean() + 0.3


def test_nobody_clicks_a_film_twice_and_time_runs_forward() -> None:
    frame = generate(seed=5).dataset.interactions
    assert frame.select("user_id", "item_id").n_unique() == frame.height
    assert frame["timestamp"].is_sorted()
    assert frame["value"].null_count() == frame.height


@pytest.mark.parametrize(
    ("n_users", "n_items", "n_events"), [(1, 2, 1), (3, 4, 6), (1, 10, 5), (5, 2, 5)]
)
def test_the_smallest_and_densest(n_users: int, n_items: int, n_events: int) -> None:
    assert len(generate(n_users, n_items, n_events).dataset) == n_events


@pytest.mark.parametrize(
    ("n_users", "n_items", "n_events"), [(0, 2, 0), (1, 1, 1), (3, 4, 2), (3, 4, 7)]
)
def test_numbers_that_do_not_fit(n_users: int, n_items: int, n_events: int) -> None:
    with pytest.raises(DataError, match="cannot generate"):
        generate(n_users, n_items, n_events)

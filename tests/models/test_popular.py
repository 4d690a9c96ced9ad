"""Popular by hand: users, events and weights, faded or not, and learning further."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from palate.models.popular import Popular, PopularConfig
from palate.testing.rows import dataset, history

ROWS = [
    ("u1", "a", 2.0, 0.0),
    ("u1", "a", 3.0, 10.0),
    ("u2", "a", 1.0, 20.0),
    ("u2", "b", 5.0, 20.0),
]


@pytest.mark.parametrize(
    ("count", "half_life", "expected"),
    [
        ("users", None, [2.0, 1.0]),
        ("events", None, [3.0, 1.0]),
        ("weights", None, [6.0, 5.0]),
        ("users", 10.0, [1 / 2 + 1, 1.0]),
        ("events", 10.0, [1 / 4 + 1 / 2 + 1, 1.0]),
        ("weights", 10.0, [2 / 4 + 3 / 2 + 1, 5.0]),
    ],
)
def test_by_hand(
    count: Literal["users", "events", "weights"], half_life: float | None, expected: list[float]
) -> None:
    model = Popular(PopularConfig(count=count, half_life_days=half_life)).fit(dataset(ROWS))
    np.testing.assert_allclose(model.score_histories(history([], 2))[0], expected)


def test_partial_fit_fades_what_was_counted() -> None:
    early, late = dataset(ROWS), dataset([("u3", "a", 1.0, 30.0), ("u3", "b", 1.0, 30.0)])
    both = dataset([*ROWS, ("u3", "a", 1.0, 30.0), ("u3", "b", 1.0, 30.0)])
    config = PopularConfig(count="weights", half_life_days=10.0)
    model = Popular(config).fit(early)
    model.partial_fit(late)
    at_once = Popular(config).fit(both)
    np.testing.assert_allclose(
        model.score_histories(history([], 2)), at_once.score_histories(history([], 2))
    )
    np.testing.assert_array_equal(model.popularity, at_once.popularity)


def test_partial_fit_with_older_events_keeps_the_newest_as_reference() -> None:
    config = PopularConfig(count="events", half_life_days=10.0)
    model = Popular(config).fit(dataset([("u", "a", 1.0, 10.0), ("u", "b", 1.0, 10.0)]))
    model.partial_fit(dataset([("v", "a", 1.0, 0.0), ("v", "b", 1.0, 0.0)]))
    np.testing.assert_allclose(model.score_histories(history([], 2))[0], [1.5, 1.5])


def test_events_without_time_count_in_full() -> None:
    model = Popular(PopularConfig(half_life_days=1.0)).fit(dataset(ROWS))
    np.testing.assert_array_equal(model._fade(np.array([-1])), [1.0])

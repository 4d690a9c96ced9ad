"""Exploration: what is logged is how often it happens."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.pipeline.rerank import Explore
from palate.pipeline.rerank.thompson import chances

SEEDS = 1500
COUNTS = np.array([[0, 0], [40, 10], [40, 0], [5, 1]], np.float64)


def explore(**settings: Any) -> Explore:
    return Explore(kind="explore", **settings)


@pytest.mark.parametrize(
    "stage",
    [
        explore(slots=2, epsilon=0.4),
        explore(slots=1, epsilon=1.0),
        explore(slots=2, epsilon=0.6, choice="thompson", taken=1, not_taken=4),
        explore(slots=6, epsilon=0.5, choice="thompson"),
    ],
    ids=["two", "always", "thompson", "everywhere"],
)
def test_frequencies_are_the_logged_propensities(stage: Explore) -> None:
    """Of all slates that agree above a place, the share with an item there is its propensity."""
    order, pool = np.arange(10), np.array([3, 7, 8, 9])
    seen: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    logged: dict[tuple[tuple[int, ...], int], float] = {}
    for seed in range(SEEDS):
        drawn = stage.draw(order, pool, COUNTS, 6, random.Random(f"{seed}:0"))
        rows = tuple(drawn.rows.tolist())
        assert len(set(rows)) == 6
        for place, (row, propensity) in enumerate(
            zip(rows, drawn.propensities.tolist(), strict=True)
        ):
            above = rows[:place]
            seen[above][row] += 1
            assert logged.setdefault((above, row), propensity) == pytest.approx(propensity)
            if place not in stage.places(6):
                assert propensity == 1.0
            untried = set(pool.tolist()) - set(above)
            assert (place in drawn.drawn) == (place in stage.places(6) and bool(untried))
    checked = 0
    for above, counted in seen.items():
        n = counted.total()
        if n < 300:
            continue
        for row, times in counted.items():
            p = logged[above, row]
            # Five standard errors: once in two million.
            assert abs(times / n - p) <= 5 * np.sqrt(p * (1 - p) / n) + 1e-12, (above, row)
            checked += 1
    assert checked >= 8


def test_what_was_shown_weighs_the_same_everywhere_once_divided_by_its_propensity() -> None:
    """The inverse propensity estimate of a slate's mean at one place is without bias."""
    stage = explore(slots=1, epsilon=0.5)
    worth = np.arange(10.0) ** 2
    estimates = []
    for seed in range(SEEDS):
        drawn = stage.draw(np.arange(10), np.array([8, 9]), COUNTS[:2], 3, random.Random(seed))
        row, p = int(drawn.rows[2]), float(drawn.propensities[2])
        estimates.append(worth[row] * (row == 9) / p)  # the worth of always showing item 9
    error = np.std(estimates) / np.sqrt(SEEDS)
    assert abs(np.mean(estimates) - worth[9]) < 5 * error


def test_places_are_spread_evenly_and_the_last_is_one() -> None:
    assert explore(slots=2).places(20) == {9, 19}
    assert explore(slots=3).places(10) == {2, 5, 9}
    assert explore(slots=9).places(3) == {0, 1, 2}
    assert explore().places(1) == {0}


def test_without_new_items_nothing_is_drawn() -> None:
    drawn = explore(slots=3, epsilon=1).draw(
        np.arange(5), np.empty(0, np.int64), np.zeros((0, 2)), 3, random.Random(1)
    )
    assert drawn.rows.tolist() == [0, 1, 2]
    assert drawn.propensities.tolist() == [1, 1, 1]
    assert drawn.drawn == ()


def test_when_all_new_items_are_shown_already_nothing_is_drawn() -> None:
    drawn = explore(slots=1, epsilon=1).draw(
        np.arange(5), np.array([0, 1]), COUNTS[:2], 3, random.Random(1)
    )
    assert drawn.rows.tolist() == [0, 1, 2]
    assert drawn.propensities[2] == 1.0
    assert drawn.drawn == ()


@pytest.mark.parametrize("choice", ["uniform", "thompson"])
def test_the_only_new_item_is_drawn_for_certain_and_said_to_be_drawn(choice: str) -> None:
    stage = explore(slots=1, epsilon=1, choice=choice)
    drawn = stage.draw(np.arange(5), np.array([4]), COUNTS[:1], 3, random.Random(1))
    assert drawn.rows.tolist() == [0, 1, 4]
    assert drawn.propensities.tolist() == [1, 1, 1]
    assert drawn.drawn == (2,)


def test_a_new_item_that_stands_there_anyway_is_drawn_too() -> None:
    stage = explore(slots=1, epsilon=0.1)
    drawn = stage.draw(np.arange(5), np.array([2]), COUNTS[:1], 3, random.Random(1))
    assert drawn.rows.tolist() == [0, 1, 2]
    assert drawn.propensities[2] == pytest.approx(1.0)
    assert drawn.drawn == (2,)


def test_fewer_items_than_places() -> None:
    drawn = explore(slots=5, epsilon=1).draw(
        np.array([4, 2]), np.array([2]), COUNTS[:1], 10, random.Random(1)
    )
    assert sorted(drawn.rows.tolist()) == [2, 4]
    assert explore().draw(
        np.empty(0, np.int64), np.empty(0, np.int64), COUNTS[:0], 5, random.Random(1)
    ).rows.tolist() == []  # fmt: skip


def test_one_seed_draws_one_slate() -> None:
    stage = explore(slots=3, epsilon=1)
    one, two = (
        stage.draw(np.arange(50), np.arange(20, 50), np.zeros((30, 2)), 9, random.Random("s"))
        for _ in range(2)
    )
    assert one.rows.tolist() == two.rows.tolist()


# ---------------------------------------------------------------------- Thompson


def test_chances_are_how_often_each_draw_is_the_highest() -> None:
    rng = np.random.default_rng(5)
    a, b = 1 + COUNTS[:, 1], 19 + COUNTS[:, 0] - COUNTS[:, 1]
    draws = rng.beta(a, b, size=(40_000, 4)).argmax(axis=1)
    share = np.bincount(draws, minlength=4) / 40_000
    np.testing.assert_allclose(chances(COUNTS, 1, 19), 0.95 * share + 0.05 / 4, atol=0.02)


@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=8))
def test_chances_of_any_counts_are_probabilities(raw: list[tuple[float, float]]) -> None:
    got = chances(np.array(raw, np.float64).reshape(-1, 2), 1.0, 19.0)
    assert got.shape == (len(raw),)
    assert (got > 0).all()
    if raw:
        assert got.sum() == pytest.approx(1.0)


def test_equals_have_equal_chances() -> None:
    np.testing.assert_allclose(chances(np.tile([30.0, 2.0], (5, 1)), 1, 19), 0.2)

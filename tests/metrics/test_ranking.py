"""Every ranking metric against a plain reading of its formula, and the laws they share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.errors import DataError
from palate.metrics import Ranking, Relevant, mean_of
from palate.metrics.ndcg_graded import ndcg_graded
from palate.metrics.registry import RANKING
from palate.types import Float64Array

Graded = dict[int, float]  # item to grade, of one user
Listed = Sequence[int]
Case = tuple[list[list[int]], list[Graded], int]

ITEMS = 6
NAMES = sorted(RANKING)


def ranking_of(lists: Sequence[Listed], truth: Sequence[Graded], *, graded: bool = True) -> Ranking:
    users = np.array([u for u, t in enumerate(truth) for _ in t], np.int64)
    items = np.array([i for t in truth for i in t], np.int64)
    grades = np.array([g for t in truth for g in t.values()], np.float64)
    relevant = Relevant.from_pairs(users, items, grades if graded else None, n_users=len(truth))
    width = max((len(row) for row in lists), default=0)
    padded = [[*row, *[-1] * (width - len(row))] for row in lists]
    return Ranking(np.array(padded, np.int32).reshape(len(lists), width), relevant)


def values(name: str, ranking: Ranking, k: int) -> Float64Array:
    return RANKING[name].function(ranking, k)


# ---------------------------------------------------------------- oracles, one user each


def hit_places(listed: Listed, truth: Graded, k: int) -> list[int]:
    """Places, from 1, of the first appearance of each relevant item."""
    found: list[int] = []
    seen: set[int] = set()
    for place, item in enumerate(listed[:k], start=1):
        if item in truth and item not in seen:
            found.append(place)
            seen.add(item)
    return found


def dcg(worths: Sequence[float]) -> float:
    return sum(worth / math.log2(place + 1) for place, worth in enumerate(worths, start=1))


def oracle_ndcg(listed: Listed, truth: Graded, k: int) -> float:
    places = hit_places(listed, truth, k)
    return sum(1 / math.log2(p + 1) for p in places) / dcg([1.0] * min(k, len(truth)))


def oracle_ndcg_graded(listed: Listed, truth: Graded, k: int) -> float:
    gained = sum(
        (2 ** truth[listed[p - 1]] - 1) / math.log2(p + 1) for p in hit_places(listed, truth, k)
    )
    ideal = dcg(sorted((2**g - 1 for g in truth.values()), reverse=True)[:k])
    return gained / ideal if ideal else 0.0


def oracle_map(listed: Listed, truth: Graded, k: int) -> float:
    places = hit_places(listed, truth, k)
    return sum(nth / place for nth, place in enumerate(places, start=1)) / len(truth)


ORACLES: dict[str, Callable[[Listed, Graded, int], float]] = {
    "precision": lambda row, truth, k: len(hit_places(row, truth, k)) / k,
    "recall": lambda row, truth, k: len(hit_places(row, truth, k)) / len(truth),
    "r_precision": lambda row, truth, k: (
        len(hit_places(row, truth, min(k, len(truth)))) / len(truth)
    ),
    "ndcg": oracle_ndcg,
    "ndcg_graded": oracle_ndcg_graded,
    "map": oracle_map,
    "mrr": lambda row, truth, k: max([0.0, *(1 / p for p in hit_places(row, truth, k))]),
    "hit_rate": lambda row, truth, k: float(bool(hit_places(row, truth, k))),
}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Lists with gaps and repeats, truths that may be empty, k below, at and above the width."""
    n_users = draw(st.integers(1, 4))
    width = draw(st.integers(0, 6))
    row = st.lists(st.integers(-1, ITEMS - 1), min_size=width, max_size=width)
    truth = st.dictionaries(st.integers(0, ITEMS - 1), st.sampled_from([0.0, 1.0, 2.0, 3.0]))
    lists = draw(st.lists(row, min_size=n_users, max_size=n_users))
    truths = draw(st.lists(truth, min_size=n_users, max_size=n_users))
    return lists, truths, draw(st.integers(1, 8))


def test_every_metric_has_an_oracle() -> None:
    assert set(ORACLES) == set(RANKING)


@given(case=cases())
def test_equal_the_plain_reading_of_the_formulas(case: Case) -> None:
    lists, truths, k = case
    ranking = ranking_of(lists, truths)
    for name, oracle in ORACLES.items():
        expected = [
            oracle(row, truth, k) if truth else math.nan
            for row, truth in zip(lists, truths, strict=True)
        ]
        found = values(name, ranking, k)
        np.testing.assert_allclose(found, expected, atol=1e-12, err_msg=name)


@given(case=cases())
def test_lie_between_0_and_1(case: Case) -> None:
    lists, truths, k = case
    ranking = ranking_of(lists, truths)
    judged = np.array([bool(t) for t in truths])
    for name in NAMES:
        found = values(name, ranking, k)
        assert (np.isnan(found) == ~judged).all(), name
        assert (found[judged] >= 0).all(), name
        assert (found[judged] <= 1 + 1e-12).all(), name


@given(case=cases(), seed=st.integers(0, 99))
def test_the_order_of_users_does_not_matter(case: Case, seed: int) -> None:
    lists, truths, k = case
    order = np.random.default_rng(seed).permutation(len(lists))
    ranking = ranking_of(lists, truths)
    shuffled = ranking_of([lists[i] for i in order], [truths[i] for i in order])
    for name in NAMES:
        # Sums over a matrix may group additions by row: equal to the last digits only.
        found, again = values(name, ranking, k)[order], values(name, shuffled, k)
        np.testing.assert_allclose(again, found, rtol=1e-14, err_msg=name)


@given(case=cases(), data=st.data())
def test_a_hit_moved_up_never_hurts(case: Case, data: st.DataObject) -> None:
    lists, truths, k = case
    row = list(dict.fromkeys(i for i in lists[0] if i >= 0))  # repeats have no place of their own
    truth = truths[0] or {0: 1.0}
    # Grades alike: moving a weak hit above a strong one rightly lowers graded NDCG.
    truth = dict.fromkeys(truth, 1.0)
    misses = [p for p, item in enumerate(row) if item not in truth]
    hits = [p for p, item in enumerate(row) if item in truth]
    pairs = [(m, h) for m in misses for h in hits if m < h]
    if not pairs:
        return
    up, down = data.draw(st.sampled_from(pairs))
    better = row.copy()
    better[up], better[down] = better[down], better[up]
    before, after = ranking_of([row], [truth]), ranking_of([better], [truth])
    for name in NAMES:
        assert values(name, after, k)[0] >= values(name, before, k)[0] - 1e-12, name


@given(truth=st.sets(st.integers(0, ITEMS - 1), min_size=1))
def test_a_perfect_list_gives_1(truth: set[int]) -> None:
    ranking = ranking_of([sorted(truth)], [dict.fromkeys(truth, 1.0)])
    for name in NAMES:
        assert values(name, ranking, len(truth))[0] == pytest.approx(1.0, abs=1e-12), name


@pytest.mark.parametrize("name", NAMES)
def test_no_hit_gives_0(name: str) -> None:
    assert values(name, ranking_of([[1, 2]], [{0: 1.0}]), 2).tolist() == [0.0]


@pytest.mark.parametrize("name", NAMES)
def test_a_user_without_predictions_counts_zero(name: str) -> None:
    ranking = ranking_of([[0], [-1]], [{0: 1.0}, {0: 1.0}])
    assert mean_of(values(name, ranking, 1)) == 0.5


@pytest.mark.parametrize("name", NAMES)
def test_a_user_without_relevant_items_is_not_part_of_the_average(name: str) -> None:
    ranking = ranking_of([[0], [0]], [{0: 1.0}, {}])
    found = values(name, ranking, 1)
    assert math.isnan(found[1])
    assert mean_of(found) == 1.0


@pytest.mark.parametrize("name", NAMES)
def test_an_item_named_twice_is_a_hit_once(name: str) -> None:
    once = values(name, ranking_of([[0, 5, 1]], [{0: 1.0, 1: 1.0, 2: 1.0}]), 3)
    twice = values(name, ranking_of([[0, 0, 1]], [{0: 1.0, 1: 1.0, 2: 1.0}]), 3)
    assert once.tolist() == twice.tolist()


@pytest.mark.parametrize("name", NAMES)
def test_lists_of_no_places(name: str) -> None:
    empty = ranking_of([[], []], [{0: 1.0}, {}])
    found = values(name, empty, 5)
    assert found[0] == 0.0
    assert math.isnan(found[1])


@pytest.mark.parametrize("name", NAMES)
def test_no_users(name: str) -> None:
    none = Ranking(
        np.empty((0, 3), np.int32),
        Relevant.from_pairs(np.empty(0, int), np.empty(0, int), np.empty(0), n_users=0),
    )
    assert values(name, none, 3).shape == (0,)
    assert math.isnan(mean_of(values(name, none, 3)))


@pytest.mark.parametrize("name", NAMES)
def test_k_below_1_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="k is 0"):
        values(name, ranking_of([[0]], [{0: 1.0}]), 0)


def test_precision_divides_by_k_however_short_the_list() -> None:
    assert values("precision", ranking_of([[0]], [{0: 1.0}]), 10).tolist() == [0.1]


def test_ndcg_cuts_the_ideal_list_at_k() -> None:
    truth = dict.fromkeys(range(5), 1.0)
    assert values("ndcg", ranking_of([[0, 1]], [truth]), 2)[0] == pytest.approx(1.0)


def test_map_divides_by_all_relevant_items() -> None:
    truth = dict.fromkeys(range(5), 1.0)
    assert values("map", ranking_of([[0, 1]], [truth]), 2)[0] == pytest.approx(2 / 5)


def test_graded_ndcg_prefers_the_better_grade_first() -> None:
    truth = {0: 1.0, 1: 3.0}
    right = values("ndcg_graded", ranking_of([[1, 0]], [truth]), 2)
    wrong = values("ndcg_graded", ranking_of([[0, 1]], [truth]), 2)
    assert right[0] == pytest.approx(1.0)
    assert wrong[0] < 0.8


def test_graded_ndcg_without_grades_says_what_to_use() -> None:
    with pytest.raises(DataError, match="use ndcg"):
        ndcg_graded(ranking_of([[0]], [{0: 1.0}], graded=False), 1)


@pytest.mark.parametrize("grade", [-1.0, 3600.0])
def test_graded_ndcg_refuses_values_that_are_no_grades(grade: float) -> None:
    with pytest.raises(DataError, match="grades run from"):
        ndcg_graded(ranking_of([[0]], [{0: grade}]), 1)


def test_lists_and_truth_of_other_users_are_refused() -> None:
    relevant = Relevant.from_pairs(np.array([0]), np.array([0]), n_users=1)
    with pytest.raises(DataError, match="2, 1"):
        Ranking(np.zeros((2, 1), np.int32), relevant)


def test_mean_of_nobody_is_nan() -> None:
    assert math.isnan(mean_of(np.array([np.nan])))

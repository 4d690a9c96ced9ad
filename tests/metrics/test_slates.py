"""Metrics beyond accuracy against plain readings of their formulas, and their edges."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from palate.data import Histories
from palate.errors import DataError
from palate.metrics import Cosine, Ranking, Relevant, Slates
from palate.metrics.registry import CATALOGUE, SLATES
from palate.types import Float64Array

ITEMS = 5
Rows = list[list[int]]


def histories_of(rows: Rows, n_items: int = ITEMS) -> Histories:
    users = np.array([u for u, row in enumerate(rows) for _ in row], np.int32)
    items = np.array([i for row in rows for i in row], np.int32)
    return Histories.from_entries(
        users,
        items,
        np.ones(len(items), np.float32),
        np.zeros(len(items), np.int64),
        n_users=len(rows),
        n_items=n_items,
    )


def genres() -> csr_array:
    rng = np.random.default_rng(3)
    table = rng.random((ITEMS, 4)) * (rng.random((ITEMS, 4)) < 0.6)
    table[ITEMS - 1] = 0.0  # an item that nothing is known of
    return csr_array(table)


def slates_of(lists: Rows, history: Rows, truth: Rows | None = None) -> Slates:
    recommended = np.array(lists, np.int32).reshape(len(lists), -1)
    ranking = None
    if truth is not None:
        users = np.array([u for u, row in enumerate(truth) for _ in row], np.int64)
        items = np.array([i for row in truth for i in row], np.int64)
        ranking = Ranking(recommended, Relevant.from_pairs(users, items, n_users=len(truth)))
    return Slates(recommended, histories_of(history), similarity=Cosine(genres()), ranking=ranking)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Rows, Rows, Rows, int]:
    n_users = draw(st.integers(1, 3))
    width = draw(st.integers(1, 4))
    places = st.lists(st.integers(-1, ITEMS - 1), min_size=width, max_size=width)
    some = st.lists(st.integers(0, ITEMS - 1))

    def each_user(row: st.SearchStrategy[list[int]]) -> Rows:
        return draw(st.lists(row, min_size=n_users, max_size=n_users))

    return each_user(places), each_user(some), each_user(some), draw(st.integers(1, 5))


def alike(left: int, right: int) -> float:
    a, b = genres().toarray()[[left, right]]
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norms if norms else 0.0


def known_to(history: Rows) -> list[int]:
    return [sum(item in row for row in history) for item in range(ITEMS)]


def mean(numbers: list[float], empty: float = 0.0) -> float:
    return sum(numbers) / len(numbers) if numbers else empty


def slate(name: str, slates: Slates, k: int) -> Float64Array:
    return SLATES[name].function(slates, k)


def catalogue(name: str, slates: Slates, k: int) -> float:
    return CATALOGUE[name].function(slates, k)


@given(case=cases())
def test_diversity_equals_the_pairs_counted(case: tuple[Rows, Rows, Rows, int]) -> None:
    lists, history, _, k = case
    expected = []
    for row in lists:
        pairs = [alike(a, b) for a, b in combinations([i for i in row[:k] if i >= 0], 2)]
        expected.append(1 - mean(pairs, empty=1.0))
    found = slate("diversity", slates_of(lists, history), k)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@given(case=cases(), judged=st.booleans())
def test_serendipity_equals_the_plain_formula(
    case: tuple[Rows, Rows, Rows, int], judged: bool
) -> None:
    lists, history, truth, k = case
    expected = []
    for row, own, right in zip(lists, history, truth, strict=True):
        found, hits = [], set()
        for item in (i for i in row[:k] if i >= 0):
            relevant = not judged or (item in right and item not in hits)
            hits.add(item)
            found.append((1 - mean([alike(item, h) for h in set(own)])) * relevant)
        expected.append(mean(found))
    values = slate("serendipity", slates_of(lists, history, truth if judged else None), k)
    np.testing.assert_allclose(values, expected, atol=1e-12)


@given(case=cases())
def test_popularity_novelty_and_lift_equal_the_plain_formulas(
    case: tuple[Rows, Rows, Rows, int],
) -> None:
    lists, history, _, k = case
    counts = known_to(history)
    slates = slates_of(lists, history)
    shown = [[i for i in row[:k] if i >= 0] for row in lists]
    arp = [mean([float(counts[i]) for i in row], empty=math.nan) for row in shown]
    np.testing.assert_allclose(slate("popularity", slates, k), arp)
    chosen = [mean([float(counts[i]) for i in set(own)], empty=math.nan) for own in history]
    lift = [a / c - 1 for a, c in zip(arp, chosen, strict=True)]
    np.testing.assert_allclose(slate("popularity_lift", slates, k), lift)
    if sum(counts):
        bits = [-math.log2(max(c, 1) / sum(counts)) for c in counts]
        novel = [mean([bits[i] for i in row]) for row in shown]
        np.testing.assert_allclose(slate("novelty", slates, k), novel, atol=1e-12)


@given(case=cases())
def test_catalogue_metrics_equal_the_plain_formulas(case: tuple[Rows, Rows, Rows, int]) -> None:
    lists, history, _, k = case
    slates = slates_of(lists, history)
    shown = [i for row in lists for i in row[:k] if i >= 0]
    shares = sorted(shown.count(i) / max(1, len(shown)) for i in range(ITEMS))
    assert catalogue("catalogue_coverage", slates, k) == len(set(shown)) / ITEMS
    entropy = -sum(p * math.log2(p) for p in shares if p)
    assert catalogue("distributional_coverage", slates, k) == pytest.approx(entropy, abs=1e-12)
    if shown:
        # Half the mean absolute difference over the mean, scaled so that its greatest is 1.
        unequal = sum(abs(a - b) for a in shares for b in shares) / (2 * (ITEMS - 1))
        assert catalogue("gini", slates, k) == pytest.approx(unequal, abs=1e-12)


@pytest.mark.parametrize("name", [n for n, m in SLATES.items() if m.higher_is_better])
def test_a_user_without_a_list_counts_zero_where_more_is_better(name: str) -> None:
    assert slate(name, slates_of([[-1, -1]], [[0, 1]]), 2).tolist() == [0.0]


@pytest.mark.parametrize("name", [n for n, m in SLATES.items() if not m.higher_is_better])
def test_a_user_without_a_list_is_left_out_where_less_is_better(name: str) -> None:
    assert np.isnan(slate(name, slates_of([[-1, -1]], [[0, 1]]), 2)).all()


def test_a_list_of_one_item_has_no_diversity() -> None:
    assert slate("diversity", slates_of([[0, -1]], [[]]), 2).tolist() == [0.0]


def test_equal_items_have_no_diversity() -> None:
    assert slate("diversity", slates_of([[0, 0, 0]], [[]]), 3)[0] == pytest.approx(0.0, abs=1e-12)


def test_novelty_of_a_cold_item_is_that_of_the_rarest() -> None:
    slates = slates_of([[3], [4]], [[0, 3], [0]])
    assert slate("novelty", slates, 1).tolist() == [math.log2(3), math.log2(3)]


def test_a_cold_user_is_surprised_by_everything_and_has_no_lift() -> None:
    slates = slates_of([[0], [0]], [[], [0]])
    assert slate("serendipity", slates, 1)[0] == 1.0
    assert math.isnan(slate("popularity_lift", slates, 1)[0])


def test_repeated_events_of_a_history_count_once() -> None:
    once = slate("serendipity", slates_of([[1]], [[0, 2]]), 1)
    often = slate("serendipity", slates_of([[1]], [[0, 0, 0, 2]]), 1)
    assert once.tolist() == often.tolist()


def test_novelty_without_any_training_is_refused() -> None:
    with pytest.raises(DataError, match="no interaction"):
        slate("novelty", slates_of([[0]], [[]]), 1)


def test_popularity_of_all_of_training_can_be_given() -> None:
    counts = np.array([9, 1, 1, 1, 1])
    slates = Slates(np.array([[0]], np.int32), histories_of([[1]]), popularity=counts)
    assert slate("popularity", slates, 1).tolist() == [9.0]
    assert slate("popularity_lift", slates, 1).tolist() == [8.0]


@pytest.mark.parametrize(("shown", "expected"), [([0] * 4, 1.0), ([0, 1, 2, 3, 4], 0.0)])
def test_gini_at_its_ends(shown: list[int], expected: float) -> None:
    slates = slates_of([shown], [[]])
    assert catalogue("gini", slates, len(shown)) == pytest.approx(expected, abs=1e-12)


def test_nothing_shown_at_all() -> None:
    slates = slates_of([[-1]], [[0]])
    assert catalogue("catalogue_coverage", slates, 1) == 0.0
    assert catalogue("distributional_coverage", slates, 1) == 0.0
    assert math.isnan(catalogue("gini", slates, 1))


def test_a_catalogue_of_one_item() -> None:
    slates = Slates(np.array([[0]], np.int32), histories_of([[0]], n_items=1))
    assert catalogue("gini", slates, 1) == 0.0
    assert catalogue("catalogue_coverage", slates, 1) == 1.0
    assert catalogue("distributional_coverage", slates, 1) == 0.0


@pytest.mark.parametrize("name", ["diversity", "serendipity"])
def test_without_similarity_the_error_says_how_to_give_it(name: str) -> None:
    with pytest.raises(DataError, match="Cosine"):
        slate(name, Slates(np.array([[0]], np.int32), histories_of([[0]])), 1)


@pytest.mark.parametrize("name", [*SLATES, *CATALOGUE])
def test_k_below_1_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="k is 0"):
        {**SLATES, **CATALOGUE}[name].function(slates_of([[0]], [[1]]), 0)


def test_parts_that_disagree_are_refused() -> None:
    lists = np.array([[0]], np.int32)
    with pytest.raises(DataError, match="2 users"):
        Slates(lists, histories_of([[0], [1]]))
    with pytest.raises(DataError, match="not among the 5 items"):
        Slates(lists + ITEMS, histories_of([[0]]))
    with pytest.raises(DataError, match="popularity"):
        Slates(lists, histories_of([[0]]), popularity=np.array([1]))
    with pytest.raises(DataError, match="empty"):
        Slates(lists, Histories.empty(1, 0))
    relevant = Relevant.from_pairs(np.array([0]), np.array([0]), n_users=1)
    with pytest.raises(DataError, match="other lists"):
        Slates(lists, histories_of([[0]]), ranking=Ranking(lists + 1, relevant))

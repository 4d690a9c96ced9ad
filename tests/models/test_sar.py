"""SAR against its formulas, computed by hand and by brute force."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import get_args

import numpy as np
import pytest

from palate.data import Dataset
from palate.models.sar import SAR, SARConfig, Similarity
from palate.models.similarity import DENSE_ITEMS, DenseSimilarity, SparseSimilarity
from palate.testing.rows import DAY_S, dataset, history

# Items a, b, c: a and b share 2 of 4 users, b and c share 1, a and c none.
ROWS = [
    ("u1", "a", 5.0, 0.0),
    ("u1", "b", 3.0, 0.0),
    ("u2", "a", 4.0, 10.0),
    ("u2", "b", 2.0, 10.0),
    ("u3", "b", 1.0, 20.0),
    ("u3", "c", 5.0, 20.0),
    ("u4", "a", 3.0, 30.0),
]
C_AB, C_BC, C_A, C_B, C_C, N = 2.0, 1.0, 3.0, 3.0, 1.0, 4.0

FORMULAS: dict[str, Callable[[float, float, float], float]] = {
    "cooccurrence": lambda c, i, j: c,
    "jaccard": lambda c, i, j: c / (i + j - c),
    "lift": lambda c, i, j: c / (i * j),
    "inclusion_index": lambda c, i, j: c / min(i, j),
    "cosine": lambda c, i, j: c / math.sqrt(i * j),
    "mutual_information": lambda c, i, j: math.log2(N * c / (i * j)),
    "lexicographers_mutual_information": lambda c, i, j: c * math.log2(N * c / (i * j)),
}


def matrix(model: SAR) -> np.ndarray:
    assert isinstance(model._similarity, DenseSimilarity)
    return model._similarity.matrix


@pytest.fixture
def rated() -> Dataset:
    return dataset(ROWS)


def test_every_similarity_has_a_formula_here() -> None:
    assert set(FORMULAS) == set(get_args(Similarity))


@pytest.mark.parametrize("similarity", get_args(Similarity))
def test_similarity_by_hand(similarity: Similarity, rated: Dataset) -> None:
    f = FORMULAS[similarity]
    expected = [
        [f(C_A, C_A, C_A), f(C_AB, C_A, C_B), 0.0],
        [f(C_AB, C_A, C_B), f(C_B, C_B, C_B), f(C_BC, C_B, C_C)],
        [0.0, f(C_BC, C_B, C_C), f(C_C, C_C, C_C)],
    ]
    got = matrix(SAR(SARConfig(similarity=similarity)).fit(rated))
    np.testing.assert_allclose(got, expected, rtol=1e-15)
    np.testing.assert_array_equal(got, got.T)


def test_the_threshold_forgets_rare_pairs(rated: Dataset) -> None:
    got = matrix(SAR(SARConfig(similarity="cooccurrence", threshold=2)).fit(rated))
    np.testing.assert_array_equal(got, [[3, 2, 0], [2, 3, 0], [0, 0, 0]])


def test_affinity_halves_with_the_half_life(rated: Dataset) -> None:
    model = SAR(SARConfig(similarity="cooccurrence", half_life_days=10.0)).fit(rated)
    scores = model.score_histories(rated.histories)
    # t0 is day 30: u1's events count 2^-3, u2's 2^-2, u3's 2^-1, u4's 1.
    fade = np.array([[1 / 8], [1 / 4], [1 / 2], [1]])
    ratings = np.array([[5, 3, 0], [4, 2, 0], [0, 1, 5], [3, 0, 0]])
    np.testing.assert_allclose(scores, (ratings * fade) @ matrix(model), rtol=1e-15)


def test_without_half_life_all_events_count_alike(rated: Dataset) -> None:
    model = SAR(SARConfig(half_life_days=None)).fit(rated)
    ratings = np.array([[5, 3, 0], [4, 2, 0], [0, 1, 5], [3, 0, 0]])
    np.testing.assert_allclose(
        model.score_histories(rated.histories), ratings @ matrix(model), rtol=1e-15
    )


def test_t0_may_be_given(rated: Dataset) -> None:
    t0 = datetime.fromtimestamp(1_700_000_000 + 50 * DAY_S, UTC)
    config = SARConfig(half_life_days=10.0, t0=t0)
    late = SAR(config).fit(rated).score_histories(rated.histories)
    newest = SAR(SARConfig(half_life_days=10.0)).fit(rated).score_histories(rated.histories)
    np.testing.assert_allclose(late, newest / 4, rtol=1e-12)


def test_later_events_and_events_without_time_count_in_full(rated: Dataset) -> None:
    model = SAR().fit(rated)
    later = history([0], 3, time_us=(1_700_000_000 + 99 * DAY_S) * 10**6)
    untimed = history([0], 3)
    for one in (later, untimed):
        np.testing.assert_array_equal(model.score_histories(one)[0], matrix(model)[0])


def test_repeated_events_add_up_in_affinity_but_not_in_counts() -> None:
    rows = [("u", "a", 1.0, 0.0), ("u", "a", 2.0, 0.0), ("u", "b", 1.0, 0.0)]
    model = SAR(SARConfig(similarity="cooccurrence")).fit(dataset(rows))
    np.testing.assert_array_equal(matrix(model), [[1, 1], [1, 1]])
    assert model.score_histories(model._histories_for(["u"])).tolist() == [[4.0, 4.0]]


def test_normalised_scores_are_on_the_rating_scale(rated: Dataset) -> None:
    plain, scaled = SAR(), SAR(SARConfig(normalise=True))
    raw = plain.fit(rated).score_histories(rated.histories)
    got = scaled.fit(rated).score_histories(rated.histories)
    assert got.min() >= 1.0
    assert got.max() <= 5.0
    np.testing.assert_array_equal(np.argsort(-raw, axis=1), np.argsort(-got, axis=1))


def test_normalised_by_hand(rated: Dataset) -> None:
    config = SARConfig(similarity="cooccurrence", half_life_days=None, normalise=True)
    got = SAR(config).fit(rated).score_histories(history([0], 3, [5.0]))
    # Scores (15, 10, 0); events of value 1 would give (3, 2, 0): the scale is 1*0 to 5*3.
    np.testing.assert_allclose(got[0], 1 + 4 * np.array([15, 10, 0]) / 15)


def test_explains_by_share(rated: Dataset) -> None:
    model = SAR(SARConfig(similarity="cooccurrence", half_life_days=None)).fit(rated)
    reasons = model.explain("u1", "b")
    # b scores 5*2 from a and 3*3 from itself.
    assert [(r.item_id, r.share) for r in reasons] == [("a", 10 / 19), ("b", 9 / 19)]


def test_similar_items_have_something_in_common(rated: Dataset) -> None:
    model = SAR().fit(rated)
    assert model.similar_items(["a"])["similar_item_id"].to_list() == ["b"]
    assert model.similar_items(["b"])["similar_item_id"].to_list() == ["a", "c"]


def test_all_neighbours_give_the_same_as_dense(rated: Dataset) -> None:
    dense, sparse = SAR().fit(rated), SAR(SARConfig(neighbours=3)).fit(rated)
    assert isinstance(sparse._similarity, SparseSimilarity)
    np.testing.assert_allclose(
        dense.score_histories(rated.histories),
        sparse.score_histories(rated.histories),
        rtol=1e-15,
    )


def test_a_large_catalogue_is_never_dense() -> None:
    rows = [(f"u{i // 4}", f"i{i:06d}", 1.0, 0.0) for i in range(DENSE_ITEMS + 4)]
    model = SAR().fit(dataset(rows))
    assert isinstance(model._similarity, SparseSimilarity)
    assert len(model._similarity.values) == 4 * len(rows)
    alike = model.similar_items(["i000005"])["similar_item_id"].to_list()
    assert alike == ["i000004", "i000006", "i000007"]

from __future__ import annotations

import numpy as np

from palate.retrieval.index.kernels.order import list_scores, pick, row_scores


def test_rows_score_by_their_vectors_and_biases() -> None:
    vectors = np.array([[1, 0], [0, 2], [3, 3]], np.float32)
    query, slots = np.array([2, 1], np.float32), np.array([2, 0], np.int32)
    alive, none = np.array([1, 0, 1], np.uint8), np.empty(0, np.float32)
    scores, plain = row_scores(query, vectors, none, slots, alive)
    assert (scores.tolist(), plain) == ([9, 2], True)
    biases, all_three = np.array([-1, -10, -2], np.float32), np.arange(3, dtype=np.int32)
    scores, plain = row_scores(query, vectors, biases, all_three, alive)
    assert (scores.tolist(), plain) == ([1, -8, 7], False)


def test_a_list_of_wide_spread_is_worth_more() -> None:
    centroids = np.array([[1, 0], [0.9, 0], [-1, 0]], np.float32)
    none, reach = np.zeros(3, np.float32), np.array([0, 0.3, 0], np.float32)
    query = np.array([2, 0], np.float32)
    scores = list_scores(query, np.float32(2), centroids, none, reach, False)
    assert scores.tolist() == np.array([2, 1.8 + 2 * 0.3, -2], np.float32).tolist()


def test_euclidean_worth_is_that_of_a_row_nearer_by_the_reach() -> None:
    """At distance 3, a step of 0.1 towards the centroid gains 2 * 3 * 0.1 to first order."""
    centroids, query = np.array([[3, 0]], np.float32), np.array([0, 0], np.float32)
    biases, reach = np.array([-9], np.float32), np.array([0.1], np.float32)
    (score,) = list_scores(2 * query, np.float32(0), centroids, biases, reach, True)
    assert score == np.float32(-9 + 0.6)


def test_an_item_of_two_rows_is_picked_once() -> None:
    names = np.array([7, 5, 7, 9, 5], np.uint32)
    scores, slots = np.array([5, 4, 3, 2, 1], np.float32), np.arange(5, dtype=np.int32)
    kept_scores, kept = pick(scores, slots, names, 10)
    assert kept.tolist() == [0, 1, 3]
    assert kept_scores.tolist() == [5, 4, 2]
    assert pick(scores, slots, names, 2)[1].tolist() == [0, 1]
    assert pick(scores[:0], slots[:0], names, 2)[1].tolist() == []

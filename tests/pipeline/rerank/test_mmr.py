"""Maximal marginal relevance: against the formula written plainly, and where numbers end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.pipeline.fakes import asked, candidates

from palate.pipeline.kernels.relevance import marginal
from palate.pipeline.rerank import MaximalMarginalRelevance
from palate.pipeline.rerank.base import ranked
from palate.types import Float32Array, Float64Array, Int64Array


def plainly(
    vectors: Float32Array, keys: Float64Array, order: Int64Array, first: int, trade_off: float
) -> list[int]:
    """The definition, one place at a time."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    left: list[int] = order.tolist()
    chosen: list[int] = []
    for _ in range(min(first, len(order))):
        likeness = [max([float(unit[i] @ unit[j]) for j in chosen], default=0.0) for i in left]
        values = [
            trade_off * keys[i] - (1 - trade_off) * one
            for i, one in zip(left, likeness, strict=True)
        ]
        chosen.append(left.pop(int(np.argmax(values))))
    return chosen + left


@given(st.integers(0, 10_000), st.integers(1, 30), st.sampled_from([0.0, 0.3, 0.7, 1.0]))
def test_it_is_the_formula(seed: int, n: int, trade_off: float) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, 5)).astype(np.float32)
    keys = rng.permutation(n) / max(n, 1)
    order = np.argsort(-keys)
    got = marginal(vectors, keys, order, 7, trade_off)
    assert got.tolist() == plainly(vectors, keys, order, 7, trade_off)


def test_twins_are_parted() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    keys = np.array([1.0, 0.9, 0.5])
    assert marginal(vectors, keys, np.arange(3), 3, 0.5).tolist() == [0, 2, 1]
    assert marginal(vectors, keys, np.arange(3), 3, 1.0).tolist() == [0, 1, 2]


def test_ties_go_to_the_one_ahead() -> None:
    vectors = np.zeros((4, 2), np.float32)
    order = np.array([2, 0, 3, 1])
    assert marginal(vectors, np.ones(4), order, 4, 0.5).tolist() == order.tolist()


def test_nan_keys_stay_behind_and_odd_vectors_resemble_nothing() -> None:
    nan, inf = np.nan, np.inf
    vectors = np.array([[1, 0], [1, 0], [nan, 0], [inf, 1], [3e38, 3e38]], np.float32)
    keys = np.array([1.0, 0.9, 0.8, nan, 0.7])
    got = marginal(vectors, keys, np.array([0, 1, 2, 4, 3]), 5, 0.5)
    assert got.tolist() == [0, 2, 4, 1, 3]


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_and_one(n: int) -> None:
    got = marginal(np.ones((n, 3), np.float32), np.ones(n), np.arange(n), 20, 0.5)
    assert got.tolist() == list(range(n))


def test_the_stage_leaves_what_is_beyond_its_pool() -> None:
    some = candidates(scores=[5, 4, 3, 2, 1], vectors=[[1, 0], [1, 0], [0, 1], [0, 1], [1, 1]])
    stage = MaximalMarginalRelevance(kind="mmr", trade_off=0.5, pool=3)
    assert stage.rerank(ranked(some), asked(k=5)).order.tolist() == [0, 2, 1, 3, 4]


def test_without_vectors_nothing_moves() -> None:
    ranking = ranked(candidates(scores=[1, 2, 3]))
    stage = MaximalMarginalRelevance(kind="mmr")
    assert stage.rerank(ranking, asked(k=3)) is ranking

"""Order and keys: best first, ties as they stood, NaN last."""

from __future__ import annotations

import numpy as np
import pytest
from tests.pipeline.fakes import candidates

from palate.pipeline.rerank.base import order_by, ranked


def test_nan_sinks_and_ties_keep_their_order() -> None:
    keys = np.array([np.nan, 1.0, 2.0, 1.0, np.nan])
    assert order_by(keys).tolist() == [2, 1, 3, 0, 4]


@pytest.mark.parametrize("values", [1_000_000, 50])
def test_many_are_put_in_the_order_of_a_stable_sort(values: int) -> None:
    keys = np.random.default_rng(0).integers(0, values, 500).astype(np.float32)
    assert order_by(keys).tolist() == np.argsort(-keys, kind="stable").tolist()


def test_keys_go_from_zero_to_one() -> None:
    ranking = ranked(candidates(scores=[-5.0, np.nan, 5.0, 0.0]))
    assert ranking.order.tolist() == [2, 3, 0, 1]
    np.testing.assert_allclose(ranking.keys, [0.0, np.nan, 1.0, 0.5])


def test_equal_scores_are_all_best() -> None:
    assert ranked(candidates(scores=[3.0, 3.0])).keys.tolist() == [1.0, 1.0]


def test_all_nan_and_none() -> None:
    all_nan = ranked(candidates(scores=[np.nan, np.nan]))
    assert all_nan.order.tolist() == [0, 1]
    assert np.isnan(all_nan.keys).all()
    assert ranked(candidates(scores=[])).order.tolist() == []

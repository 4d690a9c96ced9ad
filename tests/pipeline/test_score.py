"""Scoring: a probability for each outcome of each item that has a vector."""

from __future__ import annotations

import numpy as np
import pytest
from tests.pipeline.fakes import Nets, candidates

from palate.errors import DataError
from palate.pipeline.score import outcomes_of

USER = np.array([1.0, 0.0], np.float32)


def test_items_without_a_vector_are_not_ranked() -> None:
    some = candidates([0, 0, 0], vectors=[[1, 0], [np.nan, np.nan], [-1, 0]])
    got = outcomes_of(Nets(), USER, some)
    assert got.shape == (3, 3)
    assert np.isnan(got[1]).all()
    assert got[0, 0] > 0.5 > got[2, 0]


def test_no_item_has_a_vector() -> None:
    nan = [[np.nan, np.nan]]
    assert np.isnan(outcomes_of(Nets(), USER, candidates([0], vectors=nan))).all()


def test_without_vectors_nothing_can_be_ranked() -> None:
    with pytest.raises(DataError, match="no vectors"):
        outcomes_of(Nets(), USER, candidates([0]))


def test_nets_of_another_shape_are_refused() -> None:
    nets = Nets()
    nets.spoil = lambda given: given[:, :2]
    with pytest.raises(DataError, match="3 outcomes"):
        outcomes_of(nets, USER, candidates([0], vectors=[[1, 0]]))

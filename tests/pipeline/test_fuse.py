"""Fusing: the weighted sum, worked out by hand, and what is not finite."""

from __future__ import annotations

import numpy as np
import pytest
from tests.pipeline.fakes import SCHEMA

from palate.config import Schema
from palate.errors import ConfigError
from palate.pipeline.fuse import fuse, worth_of

OUTCOMES = ("view", "save", "hide")


def test_the_weighted_sum() -> None:
    given = np.array([[0.5, 0.1, 0.0], [0.5, 0.1, 0.2]], np.float32)
    worth = np.array([1.0, 3.0, -5.0], np.float32)
    np.testing.assert_allclose(fuse(given, worth), [0.8, -0.2], rtol=1e-6)


def test_what_is_not_finite_is_unknown() -> None:
    given = np.array([[np.nan, 0], [np.inf, 0], [np.inf, np.inf], [0.5, 0]], np.float32)
    scores = fuse(given, np.array([1.0, -1.0], np.float32))
    assert np.isnan(scores[:3]).all()
    assert scores[3] == 0.5


def test_an_outcome_worth_nothing_spoils_nothing() -> None:
    given = np.array([[0.5, np.nan]], np.float32)
    assert fuse(given, np.array([2.0, 0.0], np.float32)).tolist() == [1.0]


def test_nothing_to_fuse() -> None:
    assert fuse(np.empty((0, 3), np.float32), np.ones(3, np.float32)).shape == (0,)


def test_without_a_word_the_weights_of_the_schema_count() -> None:
    assert worth_of({}, SCHEMA, OUTCOMES).tolist() == [1, 3, -5]
    assert worth_of({}, Schema(), ("view",)).tolist() == [1]


def test_what_is_not_named_is_worth_nothing() -> None:
    assert worth_of({"save": 2.0}, SCHEMA, OUTCOMES).tolist() == [0, 2, 0]


def test_an_outcome_that_the_nets_do_not_know() -> None:
    with pytest.raises(ConfigError, match=r"worth\.contact") as caught:
        worth_of({"contact": 2.0}, SCHEMA, OUTCOMES)
    assert caught.value.hint == "they know view, save, hide"

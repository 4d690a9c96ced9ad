"""Proposals stay inside their space, and near what is good."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.evaluate.search import near, propose
from palate.models.config import Choice, Dimension, Range

SPACE: dict[str, Dimension] = {
    "weight": Range(0.001, 1000.0, log=True),
    "share": Range(-1.0, 1.0),
    "size": Range(1, 500, integer=True),
    "kind": Choice(("cosine", "jaccard", None)),
}


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_inside(seed: int, guided: bool) -> None:
    rng = np.random.default_rng(seed)
    best = {"weight": 1.0, "share": 1.0, "size": 500, "kind": None} if guided else None
    drawn = propose(SPACE, best, rng)
    assert 0.001 <= drawn["weight"] <= 1000.0
    assert -1.0 <= drawn["share"] <= 1.0
    assert 1 <= drawn["size"] <= 500
    assert isinstance(drawn["size"], int)
    assert drawn["kind"] in ("cosine", "jaccard", None)


def test_steps_are_near() -> None:
    """On a logarithmic range a step is a factor; the median one is about a tenth of the range."""
    rng = np.random.default_rng(0)
    dimension = Range(0.001, 1000.0, log=True)
    decades = [abs(np.log10(near(dimension, 1.0, rng))) for _ in range(500)]
    anywhere = [abs(np.log10(dimension.sample(rng))) for _ in range(500)]
    assert np.median(decades) < 0.6 * np.median(anywhere)


@pytest.mark.parametrize("value", [None, "text", 5000.0])
def test_a_value_outside_the_range_is_replaced(value: object) -> None:
    drawn = near(Range(1.0, 2.0), value, np.random.default_rng(0))
    assert 1.0 <= drawn <= 2.0


def test_choices_mostly_stay() -> None:
    rng = np.random.default_rng(0)
    kept = [near(Choice(("a", "b", "c", "d")), "b", rng) == "b" for _ in range(400)]
    assert 0.6 < np.mean(kept) < 0.8  # 0.6 kept, and a quarter of the draws falls on it again

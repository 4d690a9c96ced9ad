"""Holm's correction by hand, and its laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.errors import DataError
from palate.stats import holm

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_by_hand() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, never falling.
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == [0.03, 0.06, 0.06, 0.02]


@given(p=P_VALUES)
def test_between_the_raw_value_and_bonferroni(p: list[float]) -> None:
    raw, adjusted = np.array(p), holm(p)
    assert (adjusted >= raw).all()
    assert (adjusted <= np.minimum(raw * len(raw), 1.0)).all()


@given(p=P_VALUES, level=st.sampled_from([0.01, 0.05, 0.2]))
def test_rejects_what_stepping_down_rejects(p: list[float], level: float) -> None:
    rejected: set[int] = set()
    for step, at in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        if p[at] * (len(p) - step) > level:
            break
        rejected.add(at)
    assert set(np.flatnonzero(holm(p) <= level).tolist()) == rejected


def test_one_test_needs_no_correction_and_none_gives_none() -> None:
    assert holm([0.03]).tolist() == [0.03]
    assert holm([]).tolist() == []


@pytest.mark.parametrize("p", [math.nan, -0.1, 1.1])
def test_what_is_no_p_value_is_refused(p: float) -> None:
    with pytest.raises(DataError, match="p-values"):
        holm([0.5, p])

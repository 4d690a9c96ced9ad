"""The moment of a request as numbers: hours and weekdays are points on circles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from palate.models.realtime.context import HOUR_US, NAMES, context_vector, contexts_of

SIX = 6 * HOUR_US  # six o'clock of Thursday, 1 January 1970


def test_six_o_clock_is_a_quarter_of_the_day() -> None:
    found = dict(zip(NAMES, contexts_of(np.array([SIX]))[0], strict=True))
    assert found["known"] == 1
    assert found["hour:sin"] == pytest.approx(1)
    assert found["hour:cos"] == pytest.approx(0, abs=1e-6)
    angle = 2 * np.pi * 3.25 / 7  # Thursday is three days after Monday
    assert found["weekday:sin"] == pytest.approx(np.sin(angle), abs=1e-5)


def test_an_unknown_time_is_zeros() -> None:
    assert not contexts_of(np.array([-1])).any()
    assert contexts_of(np.empty(0, np.int64)).shape == (0, len(NAMES))


def test_the_offset_moves_the_hour() -> None:
    moved = context_vector({"timestamp": 0, "utc_offset_h": 6})
    np.testing.assert_allclose(moved, contexts_of(np.array([SIX]))[0], atol=1e-6)


@pytest.mark.parametrize(
    "context",
    [None, {}, {"timestamp": None}, {"timestamp": "now"}, {"timestamp": -5}, {"timestamp": True},
     {"timestamp": 1 << 70}, {"timestamp": 1.5}],
)  # fmt: skip
def test_what_is_no_moment_is_unknown(context: dict[str, Any] | None) -> None:
    assert not context_vector(context).any()


def test_an_impossible_offset_counts_as_none() -> None:
    plain = context_vector({"timestamp": SIX})
    for offset in ("x", 1e9, float("nan"), None):
        found = context_vector({"timestamp": SIX, "utc_offset_h": offset})
        np.testing.assert_array_equal(found, plain)

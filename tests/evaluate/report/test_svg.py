"""SVG builders: escaping, scales, ticks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.evaluate.report.svg import Linear, Logarithmic, chart, element, log_ticks, nice_ticks


def test_everything_is_escaped() -> None:
    drawn = element("text", {"aria-label": '"><script>'}, "<script>", element("tspan", {}, "&"))
    assert str(drawn) == (
        '<text aria-label="&#34;&gt;&lt;script&gt;">&lt;script&gt;<tspan>&amp;</tspan></text>'
    )


def test_a_chart_says_what_it_shows() -> None:
    drawn = str(chart(10, 20.5, "a & b"))
    assert 'role="img"' in drawn
    assert 'aria-label="a &amp; b"' in drawn
    assert 'viewBox="0 0 10 20.5"' in drawn


def test_numbers_are_short() -> None:
    assert 'x="1.23" y="-0.5" z="3"' in str(element("g", {"x": 1.2345, "y": -0.5, "z": 3.0}))


def test_scales_of_one_value() -> None:
    assert Linear(1.0, 1.0, 0.0, 10.0)(1.0) == 5.0
    assert Logarithmic(1.0, 1.0, 0.0, 10.0)(1.0) == 5.0


@given(
    st.floats(-1e6, 1e6),
    st.floats(1e-6, 1e6),
    st.integers(2, 8),
)
def test_ticks_are_few_round_and_inside(low: float, span: float, most: int) -> None:
    high = low + span
    if high - low < 1e-9 * max(abs(low), 1.0):
        return
    ticks = nice_ticks(low, high, most=most)
    assert len(ticks) <= most + 1
    slack = 1e-6 * max(abs(low), span)
    assert all(low - slack <= tick <= high + slack for tick in ticks)
    assert ticks == sorted(ticks)


def test_ticks_of_nothing() -> None:
    assert nice_ticks(0.3, 0.3) == [0.3]
    assert nice_ticks(0.0, math.inf) == [0.0]


@pytest.mark.parametrize(("low", "high"), [(0.01, 1000.0), (1.0, 9.0), (0.003, 0.004), (2.0, 2.1)])
def test_log_ticks_are_inside(low: float, high: float) -> None:
    ticks = log_ticks(low, high)
    assert all(low <= tick <= high for tick in ticks)
    assert len(ticks) <= 8

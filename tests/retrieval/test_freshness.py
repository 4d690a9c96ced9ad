"""Delays: the newest are kept, none is negative."""

from __future__ import annotations

import math

from palate.retrieval.freshness import Freshness


def test_nothing_measured_is_not_zero() -> None:
    assert math.isnan(Freshness().quantile(0.5))


def test_a_clock_that_went_back_gives_no_negative_delay() -> None:
    fresh = Freshness()
    fresh.add([-5.0])
    assert fresh.quantile(1.0) == 0.0


def test_only_the_newest_are_kept() -> None:
    fresh = Freshness()
    fresh.add([9.0] * 5000)
    fresh.add([1.0] * 8000)
    assert (fresh.quantile(0.5), fresh.quantile(1.0)) == (1.0, 9.0)
    fresh.add([1.0] * 192)
    assert (fresh.quantile(1.0), fresh.count) == (1.0, 13192)


def test_more_at_once_than_are_kept() -> None:
    fresh = Freshness()
    fresh.add([9.0] * 10_000 + [1.0] * 8192)
    assert fresh.quantile(1.0) == 1.0

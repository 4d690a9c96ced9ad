"""Freshness: the bonus at known ages, and items whose age nobody knows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.pipeline.fakes import DAY_US, NOW_US, asked, candidates

from palate.pipeline.rerank import Freshness
from palate.pipeline.rerank.base import ranked


def days(*ages: float) -> list[int]:
    return [int(NOW_US - age * DAY_US) for age in ages]


def test_the_bonus_halves() -> None:
    some = candidates(scores=[1, 1, 1, 1], attributes=[{"listed": at} for at in days(0, 7, 14, -3)])
    stage = Freshness(kind="freshness", attribute="listed", weight=0.4, half_life_days=7)
    ranking = stage.rerank(ranked(some), asked())
    np.testing.assert_allclose(ranking.keys, [1.4, 1.2, 1.1, 1.4])
    assert ranking.order.tolist() == [0, 3, 1, 2]


def test_texts_are_times_and_anything_else_is_no_age() -> None:
    born: list[dict[str, Any]] = [
        {"listed": "2024-10-04T00:00:00Z"},
        {},
        {"listed": "soon"},
        {"listed": True},
    ]
    stage = Freshness(kind="freshness", attribute="listed", weight=0.4)
    ranking = stage.rerank(ranked(candidates(scores=[1, 1, 1, 1], attributes=born)), asked())
    assert ranking.keys[0] > 1.0
    assert ranking.keys[1:].tolist() == [1.0, 1.0, 1.0]


def test_without_an_attribute_the_last_change_counts() -> None:
    some = candidates(scores=[1, 0, 1], changed_us=[*days(700, 0), 0])
    ranking = Freshness(kind="freshness", weight=2.0).rerank(ranked(some), asked())
    assert ranking.order.tolist() == [1, 0, 2]
    plain = ranked(candidates(scores=[1, 2]))
    assert Freshness(kind="freshness").rerank(plain, asked()).keys.tolist() == [0.0, 1.0]


def test_nan_keys_stay_last() -> None:
    some = candidates(scores=[np.nan, 1.0], changed_us=days(0, 1000))
    assert Freshness(kind="freshness").rerank(ranked(some), asked()).order.tolist() == [1, 0]


def test_a_weight_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="weight"):
        Freshness(kind="freshness", weight=0)

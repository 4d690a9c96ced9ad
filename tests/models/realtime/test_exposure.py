"""How long items were about, by what happened to them."""

from __future__ import annotations

import numpy as np

from palate.models.realtime.exposure import LEAST, log_exposure


def exposure(items: list[int], times: list[int], examples: list[int], n: int) -> list[float]:
    found = log_exposure(
        np.array(items, np.int32), np.array(times, np.int64), np.array(examples, np.int64), n
    )
    assert found.dtype == np.float32
    return [round(float(one), 6) for one in np.exp(found)]


def test_by_hand() -> None:
    """Item 0 from 40 to 60 in three events is about from 30 to 70; item 1 all the time."""
    examples = list(range(0, 100, 10))
    found = exposure([0, 0, 0, 1, 1], [40, 50, 60, 0, 90], examples, 2)
    assert found == [0.5, 1.0]


def test_both_ends_of_an_even_stretch() -> None:
    rng = np.random.default_rng(0)
    times = rng.uniform(200, 600, 200).astype(np.int64)
    (found,) = exposure([0] * 200, times.tolist(), list(range(1000)), 1)
    assert abs(found - 0.4) < 0.02


def test_one_event_or_none_says_nothing() -> None:
    assert exposure([1], [50], [10, 50, 90], 3) == [1.0, 1.0, 1.0]


def test_two_events_at_once_are_bounded() -> None:
    assert exposure([0, 0], [50, 50], list(range(1000)), 1) == [LEAST]


def test_times_all_alike_or_unknown() -> None:
    assert exposure([0, 0, 1], [-1, -1, -1], [-1, -1, -1], 2) == [1.0, 1.0]


def test_busy_days_count_for_more() -> None:
    """What is counted are examples, not hours: ninety of them happened while item 0 was about."""
    examples = [1] * 5 + [50] * 90 + [99] * 5
    assert exposure([0, 0], [49, 51], examples, 1) == [0.9]


def test_of_no_events_and_no_examples() -> None:
    assert exposure([], [], [], 2) == [1.0, 1.0]

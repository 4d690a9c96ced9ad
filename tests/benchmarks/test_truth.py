"""The oracle of the roles soak: it finds what is wrong, and lets pass what may be right."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CARS = {"a": {"price": 10.0}, "b": {"price": 20.0}}


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def truth(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Knows two cars; each moment that it notes is a second later than the one before."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    module = importlib.import_module("soaking.truth")
    monkeypatch.setattr(module, "time", Clock())
    yield module.Truth(CARS)
    for name in ("soaking.truth", "soaking"):
        del sys.modules[name]


def test_what_was_never_changed_is_right(truth: Any) -> None:
    assert truth.wrong(["a", "b"], 0.0, 1.0) == []
    assert truth.wrong(["a"], 0.0, 1.0, most=10.0) == []


def test_a_car_that_costs_more_than_was_asked_for(truth: Any) -> None:
    assert len(truth.wrong(["a", "b"], 0.0, 1.0, most=15.0)) == 1


def test_a_car_of_nobody(truth: Any) -> None:
    assert truth.wrong(["x"], 0.0, 1.0) == ["x was never listed"]
    assert truth.wrong(["probe-1"], 0.0, 1.0) == []


def test_a_sale_counts_from_its_acknowledgement(truth: Any) -> None:
    truth.selling("a")  # at 1
    assert truth.live() == {"b"}
    assert truth.wrong(["a"], 1.5, 1.6) == []
    truth.sold("a")  # at 2
    assert truth.gone() == {"a"}
    assert truth.wrong(["a"], 1.9, 5.0) == [], "the question began before"
    assert truth.wrong(["a"], 2.5, 5.0) == ["a was sold 0.500 s before the question"]


def test_while_a_price_changes_both_are_right(truth: Any) -> None:
    change = truth.pricing("a", 30.0)  # at 1
    assert truth.prices("a", 0.0, 0.5) == {10.0}
    assert truth.prices("a", 1.5, 1.6) == {10.0, 30.0}
    truth.done(change)  # at 2
    assert truth.prices("a", 1.5, 3.0) == {10.0, 30.0}
    assert truth.prices("a", 2.5, 3.0) == {30.0}
    assert truth.wrong(["a"], 1.5, 3.0, most=15.0) == []
    assert len(truth.wrong(["a"], 2.5, 3.0, most=15.0)) == 1


def test_a_change_that_nobody_acknowledged_stays_possible(truth: Any) -> None:
    truth.pricing("a", 30.0)
    truth.done(truth.pricing("a", 40.0))
    assert truth.prices("a", 9.0, 9.1) == {40.0}
    truth.pricing("a", 50.0)
    assert truth.prices("a", 9.0, 9.1) == {40.0, 50.0}

"""Spread: against the rule written plainly, and what it does where the rule cannot be kept."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.pipeline.fakes import asked, candidates

from palate.pipeline.rerank import Spread
from palate.pipeline.rerank.base import ranked


def spread(dealers: list[Any], k: int, most: int, window: int | None = None) -> list[int]:
    some = candidates(
        scores=range(len(dealers), 0, -1),
        attributes=[{} if d is None else {"dealer": d} for d in dealers],
    )
    stage = Spread(kind="spread", attribute="dealer", most=most, window=window)
    order: list[int] = stage.rerank(ranked(some), asked(k=k)).order.tolist()
    assert sorted(order) == list(range(len(dealers)))
    return order


def plainly(dealers: list[Any], places: int, most: int, window: int) -> list[int]:
    left = list(range(len(dealers)))
    chosen: list[int] = []
    while left and len(chosen) < places:
        near = Counter(dealers[i] for i in chosen[max(0, len(chosen) - window + 1) :])
        free = [i for i in left if dealers[i] is None or near[dealers[i]] < most]
        chosen.append((free or left)[0])
        left.remove(chosen[-1])
    return chosen + left


@given(
    st.lists(st.sampled_from(["a", "b", "c", None]), max_size=25),
    st.integers(1, 12),
    st.integers(1, 3),
    st.integers(2, 8),
)
def test_it_is_the_rule(dealers: list[Any], k: int, most: int, window: int) -> None:
    assert spread(dealers, k, most, window) == plainly(dealers, k + k // 2, most, window)


def test_two_a_dealer() -> None:
    assert spread(["a", "a", "a", "b", "b", "c"], 5, 2)[:5] == [0, 1, 3, 4, 5]


def test_those_that_wait_come_back_when_the_window_has_moved_on() -> None:
    assert spread(["a", "a", "b", "c"], 4, 1, 2) == [0, 2, 1, 3]


def test_one_dealer_alone_keeps_its_order() -> None:
    assert spread(["a"] * 5, 5, 1) == [0, 1, 2, 3, 4]


def test_items_without_the_attribute_are_never_too_many() -> None:
    assert spread([None, None, "a", "a", None], 5, 1) == [0, 1, 2, 4, 3]


def test_odd_values() -> None:
    lists = [["a", "b"], ["a"], [], {"x": 1}, {"x": 1}, [["a"]], [["a"]], 7, 7]
    assert spread(lists, 9, 1) == [0, 2, 3, 4, 5, 6, 7, 1, 8]


def test_nothing() -> None:
    assert spread([], 5, 1) == []

"""What is known of candidates: the store's word and memory's answer alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from tests.pipeline.fakes import DAY_US, NOW_US, SCHEMA, Memory, World

from palate.pipeline.attributes import Read, Recalled
from palate.pipeline.filter import Condition, parse_filter
from palate.pipeline.parts import Attributes

UNKNOWN = "elsewhere"


def as_read(world: World, ids: Sequence[str]) -> Attributes:
    states = [world.items.states.get(item) for item in ids]
    changed = [0 if state is None else state.timestamp for state in states]
    known: list[dict[str, Any]] = [{} if state is None else state.attributes for state in states]
    return Read(known, np.array(changed, np.int64))


def as_recalled(world: World, ids: Sequence[str]) -> Attributes:
    return Recalled(ids, Memory(world))


KINDS = pytest.mark.parametrize("kind", [as_read, as_recalled])
IDS = ("i002", UNKNOWN, "i000")  # of ten items: the last is of today, item 0 of nine days ago
CHANGED = [NOW_US - 7 * DAY_US, 0, NOW_US - 9 * DAY_US]


def condition(**raw: Any) -> Condition:
    (one,) = parse_filter(raw, SCHEMA).conditions
    return one


@KINDS
def test_each_by_its_row(kind: Any) -> None:
    known: Attributes = kind(World(10), IDS)
    assert len(known) == 3
    assert known.of(0)["price"] == 3000
    assert known.of(1) == {}
    assert known.values([2, 1, 0, 0], "price") == [1000, None, 3000, 3000]
    assert known.values([], "price") == []
    assert known.values([0], "colour") == [None]


@KINDS
def test_what_nothing_is_known_of_fails_no_condition(kind: Any) -> None:
    known: Attributes = kind(World(10), IDS)
    assert known.holding(condition(price={"min": 2000})).tolist() == [True, True, False]


@KINDS
def test_times_of_change(kind: Any) -> None:
    known: Attributes = kind(World(10), IDS)
    assert known.changed_us().tolist() == CHANGED
    assert known.take([2, 0, 1]).changed_us().tolist() == [CHANGED[2], CHANGED[0], 0]
    assert known.take([]).changed_us().tolist() == []


@KINDS
def test_what_was_read_since_comes_first(kind: Any) -> None:
    before: Attributes = kind(World(10), IDS)
    known = before.with_read({0: {"price": 1500}, 1: {"price": 2500}}).with_read({2: {}})
    assert [known.of(row) for row in range(3)] == [{"price": 1500}, {"price": 2500}, {}]
    assert known.values([0, 1, 2], "price") == [1500, 2500, None]
    assert known.values([0], "make") == [None]  # the store's word replaces all that was known
    assert known.holding(condition(price={"min": 2000})).tolist() == [False, True, True]
    assert known.changed_us().tolist() == CHANGED
    taken = known.take([1, 0])
    assert taken.values([0, 1], "price") == [2500, 1500]
    assert before.values([0, 2], "price") == [3000, 1000]


@KINDS
def test_of_no_candidate(kind: Any) -> None:
    known: Attributes = kind(World(10), ())
    assert len(known) == 0
    assert known.changed_us().shape == (0,)
    assert known.holding(condition(price={"min": 2000})).shape == (0,)
    assert len(known.with_read({}).take([])) == 0


def test_times_that_nobody_told_are_unknown() -> None:
    assert Read([{}, {}]).changed_us().tolist() == [0, 0]
    assert Read([{}, {}]).take([1]).changed_us().tolist() == [0]


def test_memory_is_asked_once_for_what_somebody_looks_at() -> None:
    memory = Memory(World(10))
    known = Recalled(IDS, memory)
    assert memory.looked_at == []
    known.values([0], "price")
    known.with_read({2: {}}).take([0]).values([0], "make")
    assert memory.looked_at == ["i002"]
    known.changed_us()
    known.changed_us()
    assert memory.looked_at == ["i002", UNKNOWN, "i000"]

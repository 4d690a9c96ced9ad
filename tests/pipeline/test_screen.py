"""The filter stage: who is dropped, and for which reason."""

from __future__ import annotations

from typing import Any

import pytest
from tests.pipeline.fakes import SCHEMA

from palate.features.item_state import ItemState
from palate.pipeline.attributes import Read
from palate.pipeline.filter import parse_filter
from palate.pipeline.screen import Dropped, Screen


def reason_of(screen: Screen, state: ItemState | None) -> str | None:
    dropped = Dropped()
    kept = screen.by_state(["a"], [state], dropped)
    assert len(kept) + sum(dropped.counts().values()) == 1
    return next(iter(dropped.ids), None)


def live(**attributes: Any) -> ItemState:
    return ItemState(1, 1, attributes=attributes)


def test_by_id() -> None:
    screen = Screen(
        ids={"excluded": {"a"}, "seen": {"a", "b"}},
        blocked={"item_id": {"c"}},
        was_shown=lambda item: item == "d",
    )
    dropped = Dropped()
    assert screen.by_id(["a", "b", "c", "d", "e"], dropped) == [4]
    assert dropped.ids == {
        "excluded": ["a"], "seen": ["b"], "blocked: item": ["c"], "on a page before": ["d"],
    }  # fmt: skip
    assert dropped.counts()["seen"] == 1


def test_by_id_where_nobody_has_to_go() -> None:
    dropped = Dropped()
    assert Screen(ids={"seen": {"x"}}).by_id(["a", "b"], dropped) == [0, 1]
    assert Screen().by_id([], dropped) == []
    assert dropped.ids == {}


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (None, None),
        (live(), None),
        (live(hidden=True), "hidden"),
        (ItemState(1, 1, deleted=True), "deleted"),
        (live(dealer="d1"), "blocked: dealer"),
        (live(dealer=["d9", "d1"]), "blocked: dealer"),
        (live(dealer=7), "blocked: dealer"),
        (live(dealer="d2"), None),
        (live(dealer=None), None),
        (live(dealer={"odd": 1}), None),
    ],
)
def test_by_state(state: ItemState | None, reason: str | None) -> None:
    assert reason_of(Screen(blocked={"dealer": {"d1", "7"}}), state) == reason


def test_the_first_condition_that_fails_is_the_reason() -> None:
    wanted = parse_filter({"make": "BMW", "price": {"max": 5}}, SCHEMA)
    screen = Screen(wanted)
    assert reason_of(screen, live(make="BMW", price=5)) is None
    assert reason_of(screen, live(make="Audi", price=9)) == "filter: make"
    assert reason_of(screen, live(make="BMW", price=9)) == "filter: price"
    assert reason_of(screen, None) == "filter: make"


def test_memory_that_knows_nothing_of_an_item_decides_nothing() -> None:
    dropped = Dropped()
    screen = Screen(parse_filter({"make": "BMW"}, SCHEMA))
    known = [{}, {"make": "Audi"}, {"make": "BMW"}]
    assert screen.by_attributes(["a", "b", "c"], Read(known), dropped) == [0, 2]
    assert dropped.ids == {"filter: make": ["b"]}

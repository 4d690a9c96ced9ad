"""A visitor turns out to be a user: the history moves once, later events follow."""

from __future__ import annotations

from palate.config import Schema
from palate.events.log.base import Record
from palate.events.schema import USER_IDENTIFIED, Event
from palate.features.state import State
from palate.features.user_state import UserState
from palate.store.memory_store import MemoryStore


class Told:
    """A state, and the log that it was told, event by event."""

    def __init__(self, limit: int = 10) -> None:
        self.state = State(MemoryStore(), Schema(), limit)
        self.records: list[Record] = []

    def tell(self, *events: Event) -> None:
        start = len(self.records) + 1
        new = [Record(offset, event) for offset, event in enumerate(events, start)]
        self.records += new
        self.state.apply(new)

    def user(self, name: str) -> UserState:
        state = self.state.user(name)
        assert state is not None
        return state


def visit(item: str, time: int, visitor: str = "v", value: float | None = None) -> Event:
    return Event(event="view", anonymous_id=visitor, item_id=item, timestamp=time, value=value)


def click(item: str, time: int, user: str = "ann") -> Event:
    return Event(event="click", user_id=user, item_id=item, timestamp=time)


def identified(user: str = "ann", visitor: str = "v") -> Event:
    return Event(event=USER_IDENTIFIED, user_id=user, anonymous_id=visitor, timestamp=1)


def test_the_history_moves_by_time_and_is_the_visitors_no_more() -> None:
    told = Told()
    told.tell(visit("a", 1, value=2.0), click("b", 2), visit("c", 3), identified())
    ann = told.user("ann")
    assert ann.item_ids == ["a", "b", "c"]
    assert ann.events == ["view", "click", "view"]
    assert ann.values == [2.0, None, None]
    assert ann.timestamps == [1, 2, 3]
    assert ann.updated_offset == 4
    assert told.state.anonymous("v") is None
    assert told.state.linked("v") == "ann"
    assert told.state.linked("w") is None


def test_of_one_time_the_users_own_come_first() -> None:
    told = Told()
    told.tell(visit("a", 5), click("b", 5), identified(), click("c", 5))
    assert told.user("ann").item_ids == ["b", "a", "c"]


def test_later_visits_go_to_the_user() -> None:
    told = Told()
    told.tell(identified())
    assert told.state.user("ann") is None  # a link says nothing of tastes
    told.tell(visit("a", 1))
    told.tell(visit("b", 2), visit("c", 3, visitor="other"))
    assert told.user("ann").item_ids == ["a", "b"]
    assert told.state.anonymous("v") is None
    assert told.state.anonymous("other") is not None


def test_told_again_nothing_is_added_again() -> None:
    told = Told()
    told.tell(visit("a", 1), identified())
    told.tell(identified(), identified())
    assert told.user("ann").item_ids == ["a"]
    assert told.user("ann").updated_offset == 2
    told.state.apply(told.records)  # a replay
    assert told.user("ann").item_ids == ["a"]


def test_another_user_of_the_same_device_gets_only_what_comes_then() -> None:
    told = Told()
    told.tell(visit("a", 1), identified("ann"), visit("b", 2), identified("bob"), visit("c", 3))
    assert told.user("ann").item_ids == ["a", "b"]
    assert told.user("bob").item_ids == ["c"]
    assert told.state.linked("v") == "bob"
    told.tell(identified("ann"), visit("d", 4))
    assert told.user("ann").item_ids == ["a", "b", "d"]
    assert told.user("bob").item_ids == ["c"]


def test_two_devices_of_one_user() -> None:
    told = Told()
    told.tell(visit("a", 2, "phone"), visit("b", 1, "desk"))
    told.tell(identified(visitor="phone"), identified(visitor="desk"))
    assert told.user("ann").item_ids == ["b", "a"]


def test_the_limit_holds_over_both_histories() -> None:
    told = Told(limit=3)
    told.tell(
        *[visit(f"v{n}", 2 * n) for n in range(5)], *[click(f"u{n}", 2 * n) for n in range(5)]
    )
    told.tell(identified())
    assert told.user("ann").item_ids == ["v3", "u4", "v4"]


def test_an_event_with_both_ids_is_the_users() -> None:
    told = Told()
    both = Event(event="view", user_id="bob", anonymous_id="v", item_id="a", timestamp=1)
    told.tell(both, identified("ann"), both)
    assert told.state.user("ann") is None
    assert told.user("bob").item_ids == ["a", "a"]

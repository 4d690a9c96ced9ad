"""What stands in for the state: never anything that the log knows to be sold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from palate.config import Attribute, Schema
from palate.errors import StoreError
from palate.events.identity import complete
from palate.events.log.base import EventLog
from palate.events.log.sqlite import SqliteEventLog
from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED, Event
from palate.features.state import State
from palate.serve.catalogue import Catalogue
from palate.serve.stand_in import StandIn
from palate.store.memory_store import MemoryStore
from palate.store.redis_server import StoreAwayError
from palate.types import AttributeKind

SCHEMA = Schema(items={"price": Attribute(kind=AttributeKind.NUMBER)})
IDS = ["a", "b", "c", "never"]


class Away(MemoryStore):
    """A store whose server is away for a while."""

    error: StoreError | None = None

    def get(self, key: bytes) -> bytes | None:
        return self.get_many((key,))[0]

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        if self.error is not None:
            raise self.error
        return super().get_many(keys)


class World:
    """A log, a state that follows it, and a worker's memory of both."""

    def __init__(self, folder: Path) -> None:
        self.log: EventLog = SqliteEventLog(folder / "log.sqlite")
        self.store = Away()
        self.state = State(self.store, SCHEMA, 10)
        self.put("a", 1)
        self.put("b", 2)
        self.put("c", 3, hidden=True)
        self.state.catch_up(self.log)
        self.memory = Catalogue(self.log, SCHEMA)
        self.memory.fill(self.state)
        self.stand_in = StandIn(self.state, self.log, self.memory)

    def put(self, item: str, price: int, **more: bool) -> None:
        attributes = {"price": price, **more}
        self._append(Event(event=ITEM_UPSERTED, item_id=item, attributes=attributes))

    def sell(self, item: str) -> None:
        self._append(Event(event=ITEM_DELETED, item_id=item))

    def _append(self, event: Event) -> None:
        self.log.append([complete(event, 1)])

    def away(self) -> None:
        self.store.error = StoreAwayError("away")

    def shown(self) -> dict[str, float]:
        """Prices of what may be shown."""
        states = zip(IDS, self.stand_in.item_states(IDS), strict=True)
        return {i: s.attributes["price"] for i, s in states if s is not None and s.showable}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_while_the_server_answers_it_is_asked(world: World) -> None:
    assert world.stand_in.item_states(IDS) == world.state.item_states(IDS)
    assert world.stand_in.item_states(["never"]) == [None]


def test_memory_answers_while_it_is_away(world: World) -> None:
    world.away()
    assert world.shown() == {"a": 1, "b": 2}
    assert all(state is not None for state in world.stand_in.item_states(IDS))


def test_memory_that_is_behind_is_made_up_for_by_the_log(world: World) -> None:
    world.away()
    world.sell("a")
    world.put("c", 4)
    assert world.shown() == {"b": 2, "c": 4}
    world.put("b", 5)
    world.sell("c")
    assert world.shown() == {"b": 5}
    rows = world.memory.rows(IDS).tolist()
    assert rows[0] >= 0, "memory stays as it is while a request is answered"


def test_memory_that_came_further_meanwhile(world: World) -> None:
    world.away()
    world.sell("a")
    assert world.shown() == {"b": 2}
    while world.memory.follow():
        pass
    world.put("a", 9)
    assert world.shown() == {"a": 9, "b": 2}


def test_it_is_forgotten_once_the_server_is_back(world: World) -> None:
    world.away()
    world.sell("a")
    assert world.shown() == {"b": 2}
    world.store.error = None
    world.state.catch_up(world.log)
    assert world.shown() == {"b": 2}
    world.put("a", 7)
    world.state.catch_up(world.log)
    while world.memory.follow():
        pass
    world.away()
    assert world.shown() == {"a": 7, "b": 2}


def test_nobody_knows_of_the_last_change_while_it_is_away(world: World) -> None:
    assert world.stand_in.items_offset() == world.memory.offset == 3
    world.sell("a")
    world.state.catch_up(world.log)
    assert world.stand_in.items_offset() == 4 > world.memory.offset
    world.away()
    assert world.stand_in.items_offset() is None


def test_a_damaged_state_is_a_fault(world: World) -> None:
    world.store.error = StoreError("damaged")
    with pytest.raises(StoreError, match="damaged"):
        world.stand_in.item_states(IDS)

"""What profiles in a state are held to: the log read by plain dictionaries, and drawn events."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st

from palate.config import (
    Attribute,
    EventType,
    Schema,
)
from palate.events.log.base import Record
from palate.events.schema import (
    ITEM_DELETED,
    ITEM_UPSERTED,
    RESERVED,
    SERVED,
    USER_IDENTIFIED,
    USER_UPSERTED,
    Event,
)
from palate.features import recent_ids
from palate.features.keys import PAST, PROFILE
from palate.features.profile import (
    Moments,
    PackedStatistics,
    ProfileDefinition,
    Statistics,
)
from palate.features.state import State
from palate.store.memory_store import MemoryStore
from palate.types import AttributeKind

DAY_US = 86_400_000_000
START_US = 20_000 * DAY_US
NOW_US = START_US + 1000 * DAY_US
SCHEMA = Schema(
    events={"view": EventType(weight=1.0), "contact": EventType(weight=8.0, value="multiply")},
    items={
        "colour": Attribute(kind=AttributeKind.CATEGORY),
        "extras": Attribute(kind=AttributeKind.CATEGORIES),
        "price": Attribute(kind=AttributeKind.NUMBER),
    },
)
DEFINITION = ProfileDefinition.of(SCHEMA, half_life_days=20.0)
OTHER = ProfileDefinition.of(SCHEMA, half_life_days=5.0, attributes=["colour"])
FINGERPRINT = DEFINITION.fingerprint


def make(definition: ProfileDefinition | None = DEFINITION, store: Any = None) -> State:
    return State(MemoryStore() if store is None else store, SCHEMA, 3, profile=definition)


def view(user: str | None, item: str, at_us: int = START_US, **fields: Any) -> Event:
    return Event(
        **{"event": "view", "user_id": user, "item_id": item, "timestamp": at_us, **fields}
    )


def car(item: str, **attributes: Any) -> Event:
    return Event(event=ITEM_UPSERTED, item_id=item, timestamp=1, attributes=attributes)


def identified(visitor: str, user: str) -> Event:
    return Event(event=USER_IDENTIFIED, user_id=user, anonymous_id=visitor, timestamp=1)


def records(*events: Event, start: int = 1) -> list[Record]:
    return [Record(offset, event) for offset, event in enumerate(events, start)]


def once(given_: list[Record]) -> list[Record]:
    """Without what somebody did that a record before it says as well, under the same id."""
    seen: dict[str, int] = {}
    kept = []
    for record in given_:
        event, page = record.event, record.offset // recent_ids.PAGE
        if event.event in RESERVED or event.item_id is None:
            kept.append(record)
        elif event.user_id is not None or event.anonymous_id is not None:
            before = seen.get(event.event_id, page - recent_ids.PAGES)
            seen[event.event_id] = page
            if page - before >= recent_ids.PAGES:
                kept.append(record)
    return kept


def batch(given_: list[Record], definition: ProfileDefinition) -> dict[str, Statistics]:
    """Everybody's statistics from the log alone, by plain dictionaries: users, and `a:` visitors.

    An event says what its item was at that place of the log; a visitor's events go to the user
    who they are by then, and all before to the first.
    """
    items: dict[str, dict[str, Any]] = {}
    links: dict[str, str] = {}
    found: dict[str, list[tuple[dict[str, Any], float, int]]] = {}
    for record in given_:
        event = record.event
        if event.event in (ITEM_UPSERTED, ITEM_DELETED):
            items[event.item_id or ""] = event.attributes or {}
        elif event.event == USER_IDENTIFIED:
            links[event.anonymous_id or ""] = event.user_id or ""
            found.setdefault(event.user_id or "", []).extend(
                found.pop(f"a:{event.anonymous_id}", [])
            )
        elif event.item_id is not None and event.event not in (SERVED, USER_UPSERTED):
            who = event.user_id or links.get(event.anonymous_id or "", f"a:{event.anonymous_id}")
            weight = definition.weight(event.event, event.value)
            if event.user_id or event.anonymous_id:
                said = (items.get(event.item_id, {}), weight, event.timestamp)
                found.setdefault(who, []).append(said)
    people = {}
    for who, told in found.items():
        kept = people[who] = Statistics.empty(definition)
        for attributes, weight, at_us in told:
            kept.observe(definition.evidence(attributes), weight, at_us, definition)
    return {who: kept for who, kept in people.items() if kept.counts or kept.moments}


def of(state: State, who: str, fingerprint: str = FINGERPRINT) -> PackedStatistics | None:
    if who.startswith("a:"):
        return state.profiles.visitor(who[2:], fingerprint)
    return state.profiles.user(who, fingerprint)


def numbers(kept: Statistics, definition: ProfileDefinition) -> dict[str, Any]:
    """Weights as they are worth now, by name; what is worth nothing is left out."""
    factor = kept.factor(NOW_US, definition)
    weights = {
        f"{name}={value}": weight * factor
        for name, counts in kept.counts.items()
        for value, weight in counts.items()
    }
    moments = {
        f"{name}:{part}": value
        for name, one in kept.moments.items()
        for part, value in zip(Moments._fields, one.times(factor), strict=True)
    }
    return {name: value for name, value in (weights | moments).items() if abs(value) > 1e-30}


def same(
    state: State, wanted: dict[str, Statistics], definition: ProfileDefinition = DEFINITION
) -> None:
    fingerprint = definition.fingerprint
    prefix = PROFILE + bytes.fromhex(fingerprint)
    assert {name[len(prefix) :] for name, _ in state.store.scan(prefix)} == {
        who.encode() if who.startswith("a:") else b"u:" + who.encode() for who in wanted
    }
    for who, statistics in wanted.items():
        found = of(state, who, fingerprint)
        assert found is not None
        assert numbers(found.statistics(), definition) == pytest.approx(
            numbers(statistics, definition), rel=1e-6, abs=1e-9
        )
    assert list(state.store.scan(PAST)) == []


PEOPLE = st.sampled_from("uv")
VISITORS = st.sampled_from("ua")  # "u" is a user and a visitor
ITEMS = st.sampled_from("ijk")
VIEWS = st.builds(
    lambda who, item, at_us, value, event: Event(
        event=event, user_id=who[0], anonymous_id=who[1], item_id=item, timestamp=at_us, value=value
    ),
    st.one_of(
        st.tuples(PEOPLE, st.none()), st.tuples(st.none(), VISITORS), st.tuples(PEOPLE, VISITORS)
    ),
    ITEMS,
    st.integers(START_US, NOW_US),  # late ones among them
    st.none() | st.floats(-5, 5),
    st.sampled_from(["view", "contact", "else"]),
)
CARS = st.builds(
    lambda kind, item, colour, price: Event(
        event=kind,
        item_id=item,
        timestamp=1,
        attributes={"colour": colour, "extras": ["roof", colour], "price": price}
        if kind == ITEM_UPSERTED
        else None,
    ),
    st.sampled_from([ITEM_UPSERTED, ITEM_UPSERTED, ITEM_DELETED]),
    ITEMS,
    st.sampled_from(["red", "blue"]),
    st.sampled_from([None, 9_000, 20_000.5]),
)
OTHERS = st.one_of(
    st.builds(identified, VISITORS, PEOPLE),
    st.sampled_from(
        [
            Event(event=USER_UPSERTED, user_id="u", timestamp=1, attributes={"age": 3}),
            Event(event="search", user_id="u", timestamp=1),
            Event(event=SERVED, user_id="u", item_id="i", timestamp=1),
            Event(event="view", item_id="i", timestamp=1),
        ]
    ),
)
EVENTS = st.lists(st.one_of(VIEWS, VIEWS, VIEWS, CARS, CARS, OTHERS), min_size=8, max_size=40)

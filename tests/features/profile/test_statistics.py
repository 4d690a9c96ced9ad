"""Statistics of a person: what is added in any order is what the whole history gives."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.config import Attribute, EventType, Schema
from palate.errors import StoreError
from palate.features.profile import Moments, ProfileDefinition, Statistics
from palate.types import AttributeKind

DAY_US = 86_400_000_000
NOW_US = 20_000 * DAY_US
SCHEMA = Schema(
    events={"view": EventType(weight=1.0), "contact": EventType(weight=5.0)},
    items={
        "colour": Attribute(kind=AttributeKind.CATEGORY),
        "extras": Attribute(kind=AttributeKind.CATEGORIES),
        "price": Attribute(kind=AttributeKind.NUMBER, scale="log"),
        "year": Attribute(kind=AttributeKind.NUMBER),
        "title": Attribute(kind=AttributeKind.TEXT),
    },
)
DEFINITION = ProfileDefinition.of(SCHEMA, half_life_days=10.0)

Told = tuple[dict[str, Any], float, int]  # attributes, weight, when


def told(events: list[Told], definition: ProfileDefinition = DEFINITION) -> Statistics:
    kept = Statistics.empty(definition)
    for attributes, weight, at_us in events:
        kept.observe(definition.evidence(attributes), weight, at_us, definition)
    return kept


def batch(events: list[Told], now_us: int) -> tuple[dict[str, float], Moments]:
    """Colours and years of a whole history, computed at once."""
    colours: dict[str, float] = {}
    decayed = [
        (attributes, weight * 2.0 ** (-(now_us - at_us) / (10 * DAY_US)))
        for attributes, weight, at_us in events
    ]
    for attributes, weight in decayed:
        if "colour" in attributes:
            colours[attributes["colour"]] = colours.get(attributes["colour"], 0.0) + weight
    years = [(a["year"], w) for a, w in decayed if "year" in a]
    n = math.fsum(w for _, w in years)
    if n == 0.0:
        return colours, Moments(0.0, 0.0, 0.0)
    mean = math.fsum(y * w for y, w in years) / n
    return colours, Moments(n, mean, math.fsum(w * (y - mean) ** 2 for y, w in years))


EVENTS = st.lists(
    st.tuples(
        st.fixed_dictionaries(
            {},
            optional={
                "colour": st.sampled_from(["red", "blue", "grey"]),
                "year": st.integers(1990, 2026),
            },
        ),
        st.sampled_from([1.0, 5.0]),
        st.integers(NOW_US - 400 * DAY_US, NOW_US),
    ),
    max_size=30,
)


@given(EVENTS)
def test_event_by_event_is_the_whole_history_at_once(events: list[Told]) -> None:
    kept = told(events)
    factor = kept.factor(NOW_US, DEFINITION)
    colours, years = batch(events, NOW_US)
    found = {v: w * factor for v, w in kept.counts.get("colour", {}).items()}
    assert found == pytest.approx(colours, rel=1e-6, abs=1e-12)
    moments = kept.moments.get("year", Moments(0.0, 0.0, 0.0)).times(factor)
    assert moments == pytest.approx(years, rel=1e-6, abs=1e-6)


@given(EVENTS, st.randoms(use_true_random=False))
def test_late_events_change_nothing(events: list[Told], random: Any) -> None:
    late = list(events)
    random.shuffle(late)
    one, two = told(events), told(late)
    for kept in (one, two):
        kept.unit_us = kept.unit_us or NOW_US
    a, b = one.factor(NOW_US, DEFINITION), two.factor(NOW_US, DEFINITION)
    assert {v: w * a for v, w in one.counts.get("colour", {}).items()} == pytest.approx(
        {v: w * b for v, w in two.counts.get("colour", {}).items()}, rel=1e-6, abs=1e-12
    )


@given(EVENTS, EVENTS)
def test_a_visitor_who_was_identified_is_added(mine: list[Told], theirs: list[Told]) -> None:
    joined, visitor = told(mine), told(theirs)
    joined.add(visitor, DEFINITION)
    colours, years = batch(mine + theirs, NOW_US)
    factor = joined.factor(NOW_US, DEFINITION)
    found = {v: w * factor for v, w in joined.counts.get("colour", {}).items()}
    assert found == pytest.approx(colours, rel=1e-6, abs=1e-12)
    moments = joined.moments.get("year", Moments(0.0, 0.0, 0.0)).times(factor)
    assert moments == pytest.approx(years, rel=1e-6, abs=1e-6)


def test_a_half_life_halves() -> None:
    kept = told([({"colour": "red"}, 4.0, NOW_US)])
    assert kept.factor(NOW_US, DEFINITION) == 1.0
    assert kept.factor(NOW_US + 10 * DAY_US, DEFINITION) == 0.5
    kept.observe(DEFINITION.evidence({"colour": "blue"}), 4.0, NOW_US + 20 * DAY_US, DEFINITION)
    factor = kept.factor(NOW_US + 20 * DAY_US, DEFINITION)
    assert {v: w * factor for v, w in kept.counts["colour"].items()} == {"red": 1.0, "blue": 4.0}


def test_decades_apart_nothing_overflows() -> None:
    events: list[Told] = [({"year": 2000 + n}, 1.0, n * 3650 * DAY_US) for n in range(6)]
    kept = told(events)
    n, mean, m2 = kept.moments["year"]
    assert (n, mean) == pytest.approx((1.0, 2005.0))
    assert m2 == pytest.approx(0.0, abs=1e-9)
    assert told(events[::-1]).moments["year"] == pytest.approx((1.0, 2005.0, 0.0))


def test_several_values_share_the_weight_of_an_event() -> None:
    kept = told([({"extras": ["roof", "hook", "roof"]}, 3.0, NOW_US)])
    assert kept.counts == {"extras": {"roof": 1.5, "hook": 1.5}}


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"colour": None, "year": None},
        {"colour": 2.5, "year": "old", "price": True},
        {"year": math.nan, "price": math.inf},
        {"year": 10**400},
        {"colour": "", "extras": []},
        {"title": "a text has no distribution", "unknown": "red"},
    ],
)
def test_what_is_missing_or_of_a_wrong_type_says_nothing(attributes: dict[str, Any]) -> None:
    assert told([(attributes, 1.0, NOW_US)]) == Statistics.empty(DEFINITION)


def test_numbers_are_on_their_scale() -> None:
    evidence = DEFINITION.evidence({"price": math.e - 1, "year": 2020})
    assert evidence.numbers == {"price": pytest.approx(1.0), "year": 2020.0}
    assert DEFINITION.evidence({"price": 1 - math.e}).numbers == {"price": pytest.approx(-1.0)}


def test_weights_are_those_of_the_events() -> None:
    rated = ProfileDefinition(
        attributes={},
        events={"rate": EventType(weight=2.0, value="multiply"), "hide": EventType(weight=-1.0)},
    )
    assert rated.weight("rate", 4.0) == 8.0
    assert rated.weight("rate", None) == 2.0
    assert rated.weight("unknown", 4.0) == 1.0
    assert rated.weight("hide", None) == 0.0, "a dislike is no evidence of what is liked"
    assert rated.weight("rate", math.nan) == 0.0


def test_no_weight_no_change() -> None:
    assert told([({"colour": "red"}, 0.0, NOW_US)]) == Statistics.empty(DEFINITION)


def test_statistics_go_through_bytes() -> None:
    kept = told([({"colour": "red", "year": 2020}, 1.0, NOW_US)])
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(kept), type=Statistics) == kept


def test_another_definition_is_refused() -> None:
    other = ProfileDefinition.of(SCHEMA, half_life_days=20.0)
    kept = told([({"colour": "red"}, 1.0, NOW_US)])
    assert other.fingerprint != DEFINITION.fingerprint
    with pytest.raises(StoreError, match="rebuild"):
        kept.observe(other.evidence({"colour": "red"}), 1.0, NOW_US, other)
    with pytest.raises(StoreError, match="rebuild"):
        kept.add(Statistics.empty(other), DEFINITION)


def test_the_fingerprint_is_of_what_counts() -> None:
    assert ProfileDefinition.of(SCHEMA, half_life_days=10.0).fingerprint == DEFINITION.fingerprint
    titled = SCHEMA.model_copy(update={"items": {**SCHEMA.items, "x": SCHEMA.items["title"]}})
    assert ProfileDefinition.of(titled, half_life_days=10.0).fingerprint == DEFINITION.fingerprint


def test_a_text_has_no_preference() -> None:
    with pytest.raises(ValueError, match="no preference"):
        ProfileDefinition(attributes={"title": SCHEMA.items["title"]})

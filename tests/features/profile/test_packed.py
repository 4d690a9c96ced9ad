"""Packed statistics: what the plain ones say, value by value, through bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.config import Attribute, Schema
from palate.errors import ConfigError, StoreError
from palate.features.profile import (
    CategoryPrior,
    Moments,
    NumberPrior,
    PackedStatistics,
    Packing,
    Prior,
    ProfileDefinition,
    ProfileLayout,
    Statistics,
)
from palate.features.profile.packed import code_of
from palate.types import AttributeKind

DAY_US = 86_400_000_000
START_US = 20_000 * DAY_US
SCHEMA = Schema(
    items={
        "year": Attribute(kind=AttributeKind.NUMBER),
        "extras": Attribute(kind=AttributeKind.CATEGORIES),
        "colour": Attribute(kind=AttributeKind.CATEGORY),
    }
)
DEFINITION = ProfileDefinition.of(SCHEMA, half_life_days=10.0)
PACKING = Packing(DEFINITION)
LAYOUT = ProfileLayout(
    DEFINITION,
    Prior(
        DEFINITION.fingerprint,
        1,
        {"colour": CategoryPrior({"red": 1.0, "blue": 0.5, "grün": 0.25}, 0.1)},
        {"year": NumberPrior(2010.0, 0.5, 2.0, 9.0)},
    ),
    top=2,
)
ITEM = st.fixed_dictionaries(
    {},
    optional={
        "colour": st.sampled_from(["red", "blue", "grün", "\ud800"]),
        "extras": st.lists(st.sampled_from(["roof", "hook"]), max_size=3),
        "year": st.integers(1990, 2026),
    },
)
EVENTS = st.lists(
    st.tuples(
        ITEM, st.sampled_from([0.0, 1.0, 8.0]), st.integers(START_US, START_US + 900 * DAY_US)
    ),
    max_size=12,
)


def plain(events: Any) -> Statistics:
    kept = Statistics.empty(DEFINITION)
    for item, weight, at_us in events:
        kept.observe(DEFINITION.evidence(item), weight, at_us, DEFINITION)
    return kept


def packed(events: Any) -> PackedStatistics:
    kept = PACKING.empty()
    for item, weight, at_us in events:
        kept.observe(PACKING.evidence(item), weight, at_us)
        kept = PACKING.read(kept.to_bytes())
    return kept


def same(found: PackedStatistics, wanted: Statistics) -> None:
    by_name = found.statistics()
    assert by_name.unit_us == wanted.unit_us
    for name in ("colour", "extras"):
        weights = {v: w for v, w in wanted.counts.get(name, {}).items() if w > 0.0}
        assert by_name.counts.get(name, {}) == pytest.approx(weights, rel=1e-9)
    nothing = Moments(0.0, 0.0, 0.0)
    moments = by_name.moments.get("year", nothing)
    assert moments == pytest.approx(wanted.moments.get("year", nothing), rel=1e-9, abs=1e-9)


@given(EVENTS)
def test_event_by_event_it_is_the_plain_one(events: Any) -> None:
    same(packed(events), plain(events))


@given(EVENTS, EVENTS)
def test_a_visitor_is_added(mine: Any, theirs: Any) -> None:
    found, wanted = packed(mine), plain(mine)
    found.add(packed(theirs))
    wanted.add(plain(theirs), DEFINITION)
    same(PACKING.read(found.to_bytes()), wanted)


@given(EVENTS)
def test_the_vector_is_the_plain_one(events: Any) -> None:
    now = START_US + 901 * DAY_US
    wanted = LAYOUT.vector(plain(events), now)
    assert LAYOUT.vector(packed(events), now) == pytest.approx(wanted, rel=1e-6, abs=1e-6)


def test_packing_and_back() -> None:
    kept = plain([({"colour": "grün", "year": 2020, "extras": ["roof"]}, 8.0, START_US)])
    again = PACKING.packed(kept)
    assert again.statistics() == kept
    assert PACKING.read(again.to_bytes()).statistics() == kept


def test_what_was_read_is_not_changed_in_place() -> None:
    evidence = PACKING.evidence({"colour": "red"})
    raw = packed([({"colour": "red"}, 1.0, START_US)]).to_bytes()
    before = bytes(raw)
    kept = PACKING.read(raw)
    kept.observe(evidence, 1.0, START_US)
    assert raw == before
    assert kept.statistics().counts == {"colour": {"red": 2.0}}
    assert evidence.statistics().counts == {"colour": {"red": 1.0}}


def test_the_order_of_attributes_does_not_matter() -> None:
    turned = ProfileDefinition(
        attributes=dict(reversed(DEFINITION.attributes.items())), half_life_days=10.0
    )
    assert turned.fingerprint == DEFINITION.fingerprint
    raw = packed([({"colour": "red", "extras": ["roof"]}, 1.0, START_US)]).to_bytes()
    assert Packing(turned).read(raw).statistics().counts == {
        "colour": {"red": 1.0},
        "extras": {"roof": 1.0},
    }


def test_codes_tell_attributes_and_values_apart() -> None:
    codes = {code_of(a, v) for a in (0, 1, 511) for v in ("", "red", "blue", "\ud800")}
    assert len(codes) == 12
    assert all(0 <= code < 1 << 63 for code in codes)


@pytest.mark.parametrize("raw", [b"", b"x", bytes(8), b"\xff" * 40, bytes(8) + b"\x01" * 32])
def test_bytes_that_are_no_profile(raw: bytes) -> None:
    with pytest.raises(StoreError, match="rebuilt"):
        PACKING.read(raw)


def test_another_definition_is_refused() -> None:
    other = Packing(ProfileDefinition.of(SCHEMA, half_life_days=1.0))
    with pytest.raises(StoreError, match="two definitions"):
        PACKING.empty().observe(other.evidence({"colour": "red"}), 1.0, START_US)
    with pytest.raises(StoreError, match="read under"):
        LAYOUT.vector(other.empty(), START_US)
    many = {f"a{n}": Attribute(kind=AttributeKind.CATEGORY) for n in range(513)}
    with pytest.raises(ConfigError, match="at most 512"):
        Packing(ProfileDefinition(attributes=many))


def test_huge_values_and_many_of_them() -> None:
    found = DEFINITION.evidence({"colour": "x" * 257, "extras": [str(n) for n in range(5000)]})
    assert "colour" not in found.values
    assert len(found.values["extras"]) == 100
    assert np.isfinite(LAYOUT.vector(PACKING.evidence({"extras": ["a"] * 9}), START_US)).all()

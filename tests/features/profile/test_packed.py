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
from palate.features.profile.kernels.packed import indexed
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


@given(st.lists(st.lists(st.integers(0, 60), max_size=12), max_size=40), st.integers(0, 40))
def test_every_entry_is_found_where_its_code_says(items: Any, read_again: int) -> None:
    """However the table grew, event by event or at once, it is the one of its entries."""
    events = [({"extras": [str(n) for n in one]}, 1.0, START_US) for one in items]
    kept = PACKING.empty()
    for n, (item, weight, at_us) in enumerate(events):
        kept.observe(PACKING.evidence(item), weight, at_us)
        if n == read_again:
            kept = PACKING.read(kept.to_bytes())
    same(kept, plain(events))
    entries = len(kept.codes())
    assert entries == len(set(kept.codes()))
    start = PACKING.start(entries)
    words = kept.words[: start + 2 * entries].copy()
    slots = words[PACKING.start(0) - 1 : start].view(np.uint16)
    assert sorted(slots[slots > 0].tolist()) == list(range(1, entries + 1))
    assert 3 * entries <= 2 * len(slots), "two thirds are filled at most"
    assert len(slots) == 4 or 3 * entries > len(slots), "and at least one third"
    indexed(words, len(PACKING.numbers))
    assert words.tolist() == kept.words[: start + 2 * entries].tolist()


def test_many_values_of_one_person() -> None:
    kept, wanted = PACKING.empty(), Statistics.empty(DEFINITION)
    for n in range(3_000):
        item = {"colour": str(n), "extras": [str(n % 7), str(n)], "year": 1990 + n % 30}
        kept.observe(PACKING.evidence(item), 1.0, START_US + n)
        wanted.observe(DEFINITION.evidence(item), 1.0, START_US + n, DEFINITION)
    assert len(kept.codes()) == 6_000
    again = PACKING.read(kept.to_bytes())
    same(again, wanted)
    now = START_US + DAY_US
    assert LAYOUT.vector(again, now) == pytest.approx(LAYOUT.vector(wanted, now), rel=1e-6)


def test_more_values_than_a_slot_can_number() -> None:
    """A slot of two bytes stands for every 65,535th entry; each is found all the same."""
    n = 70_000
    counts = {"extras": {str(value): 1.0 for value in range(n)}}
    kept = PACKING.packed(Statistics(DEFINITION.fingerprint, START_US, counts))
    for first in (0, 65_530, n - 50):
        item = {"extras": [str(value) for value in range(first, first + 100)]}
        kept.observe(PACKING.evidence(item), 100.0, START_US)
    weights = PACKING.read(kept.to_bytes()).statistics().counts["extras"]
    assert len(weights) == n + 50
    twice = [*range(100), *range(65_530, 65_630), *range(n - 50, n)]
    assert [weights[str(value)] for value in twice] == [2.0] * 250
    assert [weights[str(value)] for value in range(n, n + 50)] == [1.0] * 50
    assert sum(weights.values()) == n + 300
    words = kept.words.copy()
    indexed(words, len(PACKING.numbers))
    assert words.tobytes() == kept.words.tobytes()


def test_weights_are_moved_to_another_unit_in_all_entries() -> None:
    long_after = START_US + 700 * DAY_US  # 70 half-lives
    events = [({"extras": [str(n)]}, 1.0, START_US) for n in range(30)]
    events.append(({"extras": ["0"]}, 1.0, long_after))
    kept = packed(events)
    same(kept, plain(events))
    assert kept.statistics().unit_us == long_after


def test_bytes_of_the_format_before_are_refused() -> None:
    """They had no table, and ended with the number of bytes that fill a word alone."""
    words = np.zeros(2 + 3 + 2, np.int64)
    words[0], words[1], words[5] = START_US, 1, code_of(0, "red")
    words.view(np.float64)[6] = 1.0
    name = b"\x03\x00red"
    with pytest.raises(StoreError, match="rebuilt"):
        PACKING.read(words.tobytes() + name + b"\x00\x00\x03")
    longer = np.append(words, np.zeros(4, np.int64))  # as many as a table would take
    with pytest.raises(StoreError, match="rebuilt"):
        PACKING.read(longer.tobytes() + name + b"\x00\x00\x03")


@pytest.mark.parametrize("length", range(17))
def test_names_of_any_length(length: int) -> None:
    raw = PACKING.evidence({"colour": "x" * length}).to_bytes()
    assert len(raw) % 8 == 0
    found = PACKING.read(raw).statistics().counts
    assert found == ({"colour": {"x" * length: 1.0}} if length else found)

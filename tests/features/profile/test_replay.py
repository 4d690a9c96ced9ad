"""Vectors at past moments: equal to the online ones, event by event."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.config import Attribute, EventType, Schema
from palate.errors import DataError, StoreError
from palate.features.profile import (
    CategoryPrior,
    ItemEvidence,
    NumberPrior,
    Prior,
    ProfileDefinition,
    ProfileLayout,
    Statistics,
    profiles_at,
    profiles_before,
)
from palate.types import AttributeKind, Float32Array, Int32Array, Int64Array

DAY_US = 86_400_000_000
START_US = 20_000 * DAY_US
SCHEMA = Schema(
    events={"view": EventType(weight=1.0)},
    items={
        "colour": Attribute(kind=AttributeKind.CATEGORY),
        "extras": Attribute(kind=AttributeKind.CATEGORIES),
        "unknown": Attribute(kind=AttributeKind.CATEGORY),  # the prior does not know it
        "price": Attribute(kind=AttributeKind.NUMBER, scale="log"),
        "year": Attribute(kind=AttributeKind.NUMBER),
    },
)
DEFINITION = ProfileDefinition.of(SCHEMA, half_life_days=10.0)
PRIOR = Prior(
    DEFINITION.fingerprint,
    1,
    {
        "colour": CategoryPrior({"red": 1.0, "blue": 2.0, "grey": 0.5}, 0.1),
        "extras": CategoryPrior({"roof": 1.0}, 0.1),
    },
    {"price": NumberPrior(9.0, 0.5, 2.0, 0.4)},
)
LAYOUT = ProfileLayout(DEFINITION, PRIOR, top=2)
ITEMS: list[dict[str, Any]] = [
    {"colour": "red", "price": 9_000, "year": 2010, "unknown": "x"},
    {"colour": "blue", "extras": ["roof", "hook"], "price": 20_000},
    {"colour": "grey", "extras": ["hook"]},
    {"colour": "pink", "price": 500.0},
    {},
]
EVIDENCE = ItemEvidence.of(DEFINITION, ITEMS)

HISTORY = st.lists(
    st.tuples(
        st.integers(-1, len(ITEMS) - 1),
        st.sampled_from([-1.0, 0.0, 1.0, 8.0]),
        st.integers(START_US, START_US + 900 * DAY_US),
    ),
    max_size=8,
).map(lambda events: sorted(events, key=lambda event: event[2]))
HISTORIES = st.lists(HISTORY, max_size=4)


Arrays: TypeAlias = tuple[Int64Array, Int32Array, Float32Array, Int64Array]


def arrays(histories: list[list[tuple[int, float, int]]]) -> Arrays:
    events = [event for history in histories for event in history]
    return (
        np.cumsum([0, *map(len, histories)]),
        np.array([item for item, _, _ in events], np.int32),
        np.array([weight for _, weight, _ in events], np.float32),
        np.array([time for _, _, time in events], np.int64),
    )


def online(histories: list[list[tuple[int, float, int]]], *, at_us: int | None) -> list[Any]:
    """The vector before each event, or where there is a moment, of each user then."""
    found = []
    for history in histories:
        kept = Statistics.empty(DEFINITION)
        for item, weight, time in history:
            if at_us is None:
                found.append(LAYOUT.vector(kept, time))
            if item >= 0:
                kept.observe(DEFINITION.evidence(ITEMS[item]), weight, time, DEFINITION)
        if at_us is not None:
            found.append(LAYOUT.vector(kept, at_us))
    return found


@given(HISTORIES)
def test_before_each_event_it_is_what_was_online(histories: Any) -> None:
    found = profiles_before(LAYOUT, EVIDENCE, *arrays(histories))
    wanted = online(histories, at_us=None)
    assert found.shape == (len(wanted), LAYOUT.size)
    assert found == pytest.approx(np.array(wanted).reshape(found.shape), rel=1e-6, abs=1e-6)


@given(HISTORIES)
def test_at_a_moment_it_is_what_was_online(histories: Any) -> None:
    now = START_US + 1000 * DAY_US
    moments = np.full(len(histories), now)
    found = profiles_at(LAYOUT, EVIDENCE, *arrays(histories), moments)
    wanted = online(histories, at_us=now)
    assert found == pytest.approx(np.array(wanted).reshape(found.shape), rel=1e-6, abs=1e-6)


@given(HISTORIES, st.data())
def test_some_in_any_order(histories: Any, data: st.DataObject) -> None:
    given_ = arrays(histories)
    n = len(given_[1])
    wanted = data.draw(st.lists(st.integers(0, n - 1), max_size=9)) if n else []
    every = profiles_before(LAYOUT, EVIDENCE, *given_)
    some = profiles_before(LAYOUT, EVIDENCE, *given_, np.array(wanted, np.int64))
    assert np.array_equal(some, every[wanted] if wanted else every[:0])


def test_the_first_event_finds_nobody() -> None:
    found = profiles_before(LAYOUT, EVIDENCE, *arrays([[(0, 1.0, START_US), (1, 1.0, START_US)]]))
    assert not found[0].any()
    assert found[1].any(), "of one moment, but before it"


def test_evidence_as_arrays() -> None:
    assert len(EVIDENCE) == len(ITEMS)
    assert EVIDENCE.numbered == ("price", "year")
    names = [EVIDENCE.names[code] for code in EVIDENCE.values[EVIDENCE.indptr[1] :][:3]]
    assert names == [("colour", "blue"), ("extras", "roof"), ("extras", "hook")]
    assert EVIDENCE.shares[EVIDENCE.indptr[1] :][:3].tolist() == [1.0, 0.5, 0.5]
    assert np.isnan(EVIDENCE.numbers[4]).all()


def test_what_does_not_fit_is_refused() -> None:
    given_ = arrays([[(0, 1.0, START_US)]])
    with pytest.raises(DataError, match="position"):
        profiles_before(LAYOUT, EVIDENCE, *given_, np.array([1]))
    with pytest.raises(DataError, match="row 5"):
        profiles_before(LAYOUT, EVIDENCE, *arrays([[(5, 1.0, START_US)]]))
    with pytest.raises(DataError, match="moments"):
        profiles_at(LAYOUT, EVIDENCE, *given_, np.zeros(2, np.int64))
    with pytest.raises(DataError, match="times"):
        profiles_before(LAYOUT, EVIDENCE, *given_[:3], np.zeros(2, np.int64))
    other = ProfileDefinition.of(SCHEMA, half_life_days=1.0)
    with pytest.raises(StoreError, match="definition"):
        profiles_before(LAYOUT, ItemEvidence.of(other, ITEMS), *given_)

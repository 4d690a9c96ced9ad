"""Attribute filters: what they accept, what they refuse, and who passes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.config import Attribute, Schema
from palate.errors import DataError
from palate.pipeline.filter import MAX_CONDITIONS, MAX_VALUES, NO_FILTER, parse_filter
from palate.types import AttributeKind

SCHEMA = Schema(
    items={
        "make": Attribute(kind=AttributeKind.CATEGORY),
        "genres": Attribute(kind=AttributeKind.CATEGORIES),
        "price": Attribute(kind=AttributeKind.NUMBER),
        "listed": Attribute(kind=AttributeKind.TIME),
        "title": Attribute(kind=AttributeKind.TEXT),
        "photo": Attribute(kind=AttributeKind.IMAGE),
    }
)
CAR = {
    "make": "BMW",
    "genres": ["Comedy", "Drama"],
    "price": 9000,
    "listed": "2026-03-01T12:00:00Z",
    "title": "3 Series",
}


@pytest.mark.parametrize(
    ("raw", "passes"),
    [
        ({}, True),
        ({"make": "BMW"}, True),
        ({"make": "Audi"}, False),
        ({"make": ["Audi", "BMW"]}, True),
        ({"make": {"any": ["Audi"]}}, False),
        ({"make": {"none": ["Audi"]}}, True),
        ({"make": {"none": ["BMW"]}}, False),
        ({"make": {"any": ["BMW", "Audi"], "none": ["BMW"]}}, False),
        ({"genres": "Comedy"}, True),
        ({"genres": "Horror"}, False),
        ({"genres": ["Horror", "Drama"]}, True),
        ({"genres": {"all": ["Comedy", "Drama"]}}, True),
        ({"genres": {"all": ["Comedy", "Horror"]}}, False),
        ({"genres": {"none": ["Horror"]}}, True),
        ({"genres": {"any": ["Comedy"], "none": ["Drama"]}}, False),
        ({"price": 9000}, True),
        ({"price": 9000.5}, False),
        ({"price": [1, 9000]}, True),
        ({"price": {"min": 9000, "max": 9000}}, True),
        ({"price": {"min": 9001}}, False),
        ({"price": {"max": 8999.99}}, False),
        ({"price": {"none": [9000]}}, False),
        ({"listed": {"min": "2026-03-01"}}, True),
        ({"listed": {"min": "2026-03-01T12:00:01+00:00"}}, False),
        ({"listed": {"max": "2026-03-01T13:00:00+01:00"}}, True),
        ({"listed": {"min": 1_772_366_400_000_000}}, True),  # the same moment in microseconds
        ({"listed": {"min": 1_772_366_400_000_001}}, False),
        ({"make": "BMW", "price": {"max": 10_000}, "genres": "Drama"}, True),
        ({"make": "BMW", "price": {"max": 1}}, False),
    ],
)
def test_who_passes(raw: dict[str, Any], passes: bool) -> None:
    assert parse_filter(raw, SCHEMA).matches(CAR) is passes


@pytest.mark.parametrize(
    ("raw", "passes"),
    [
        ({"make": "BMW"}, False),
        ({"make": {"none": ["BMW"]}}, True),
        ({"make": {"any": ["Audi"], "none": ["BMW"]}}, False),
        ({"genres": {"all": ["Comedy"]}}, False),
        ({"price": {"min": 0}}, False),
        ({"listed": {"max": "2100-01-01"}}, False),
    ],
)
@pytest.mark.parametrize("absent", [{}, {"make": None, "genres": None, "price": None}])
def test_an_absent_attribute_passes_none_alone(
    raw: dict[str, Any], absent: dict[str, Any], passes: bool
) -> None:
    assert parse_filter(raw, SCHEMA).matches(absent) is passes


def test_categories_compare_as_text() -> None:
    assert parse_filter({"make": 1995}, SCHEMA).matches({"make": "1995"})
    assert parse_filter({"make": "1995"}, SCHEMA).matches({"make": 1995.0})
    assert parse_filter({"make": True}, SCHEMA).matches({"make": "true"})
    assert not parse_filter({"make": True}, SCHEMA).matches({"make": 1})


@pytest.mark.parametrize("value", [float("nan"), "cheap", True, [1, 2], {"a": 1}])
def test_what_is_no_number_is_in_no_range(value: Any) -> None:
    for raw in ({"price": {"min": -1e300}}, {"price": {"max": 1e300}}, {"price": 1}):
        assert not parse_filter(raw, SCHEMA).matches({"price": value})


def test_an_unreadable_time_is_in_no_range() -> None:
    assert not parse_filter({"listed": {"min": "1970-01-01"}}, SCHEMA).matches({"listed": "soon"})


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"colour": "red"}, "no item attribute 'colour'"),
        ({"title": "3 Series"}, "cannot be filtered"),
        ({"photo": "x"}, "cannot be filtered"),
        ({"make": {}}, "has nothing"),
        ({"make": {"like": "B%"}}, "unknown 'like'"),
        ({"make": {"any": "BMW"}}, "needs a list"),
        ({"make": {"any": []}}, "empty list"),
        ({"make": []}, "empty list"),
        ({"make": {"any": [["BMW"]]}}, "no string, number or bool"),
        ({"make": None}, "no string, number or bool"),
        ({"make": {"all": ["BMW"]}}, "has one value"),
        ({"make": {"min": 3}}, "has no order"),
        ({"genres": {"max": "C"}}, "has no order"),
        ({"price": {"min": "cheap"}}, "not a finite number"),
        ({"price": {"min": True}}, "not a finite number"),
        ({"price": {"min": 10**400}}, "not a finite number"),
        ({"price": {"max": float("inf")}}, "not a finite number"),
        ({"listed": {"min": "soon"}}, "not an ISO 8601 time"),
        ({"listed": {"min": 10**400}}, "not an ISO 8601 time"),
        ({"make": {"any": ["x"] * (MAX_VALUES + 1)}}, "at most"),
        ({f"a{n}": 1 for n in range(MAX_CONDITIONS + 1)}, "at most"),
    ],
)
def test_what_is_refused_and_how(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_filter(raw, SCHEMA)


def test_an_error_names_the_declared_attributes() -> None:
    with pytest.raises(DataError) as caught:
        parse_filter({"colour": "red"}, SCHEMA)
    assert caught.value.hint is not None
    assert "genres, listed, make" in caught.value.hint
    with pytest.raises(DataError, match="none are declared"):
        parse_filter({"colour": "red"}, Schema())


def test_equal_filters_hash_alike_and_others_differ() -> None:
    one = parse_filter({"price": {"max": 5, "min": 1}, "make": ["a", "b"]}, SCHEMA)
    same = parse_filter({"price": {"min": 1.0, "max": 5}, "make": {"any": ["b", "a"]}}, SCHEMA)
    other = parse_filter({"price": {"max": 5, "min": 2}, "make": ["a", "b"]}, SCHEMA)
    assert one == same
    assert hash(one) == hash(same)
    assert one != other


def test_both_parts_of_a_joined_filter_must_hold() -> None:
    joined = parse_filter({"make": "BMW"}, SCHEMA) & parse_filter({"price": {"max": 1}}, SCHEMA)
    assert not joined.matches(CAR)
    assert joined.matches({"make": "BMW", "price": 1})
    assert not NO_FILTER
    assert joined


numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(value=numbers, low=numbers, high=numbers)
def test_a_range_is_what_python_says(value: float, low: float, high: float) -> None:
    filter_ = parse_filter({"price": {"min": low, "max": high}}, SCHEMA)
    assert filter_.matches({"price": value}) is (low <= value <= high)


words = st.sampled_from("abcdef")


@given(values=st.lists(words), wanted=st.lists(words, min_size=1))
def test_lists_are_what_sets_say(values: list[str], wanted: list[str]) -> None:
    item = {"genres": values}
    has, asked = set(values), set(wanted)
    assert parse_filter({"genres": {"any": wanted}}, SCHEMA).matches(item) is bool(has & asked)
    assert parse_filter({"genres": {"all": wanted}}, SCHEMA).matches(item) is (asked <= has)
    assert parse_filter({"genres": {"none": wanted}}, SCHEMA).matches(item) is (not has & asked)


@given(
    st.recursive(
        st.none() | st.booleans() | numbers | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_anything_is_read_or_refused(raw: Any) -> None:
    """No form of JSON ends in another error than `DataError`."""
    for name in SCHEMA.items:
        try:
            filter_ = parse_filter({name: raw}, SCHEMA)
        except DataError:
            continue
        assert filter_.matches(CAR) in {True, False}

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from palate.config import Attribute
from palate.data.attributes import DTYPES
from palate.data.json_values import guess_attribute, parse_value, to_column
from palate.errors import DataError
from palate.types import AttributeKind

NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "value", "meaning"),
    [
        ("category", "red", "red"),
        ("category", 7, "7"),
        ("category", 7.0, "7"),
        ("category", 7.5, "7.5"),
        ("category", True, "true"),
        ("categories", ["a", 1], ["a", "1"]),
        ("categories", "a|b", ["a", "b"]),
        ("categories", [], []),
        ("number", 3, 3.0),
        ("number", True, 1.0),
        ("number", 10**30, 1e30),
        ("text", "A B", "A B"),
        ("image", "http://x/a.png", "http://x/a.png"),
        ("time", "2024-01-01", NEW_YEAR),
        ("time", "2024-01-01T01:00:00+01:00", NEW_YEAR),
        ("time", "2024-01-01T00:00:00Z", NEW_YEAR),
    ],
)
def test_meanings(kind: str, value: Any, meaning: Any) -> None:
    attribute = Attribute(kind=AttributeKind(kind), separator="|")
    assert parse_value(value, attribute) == meaning
    assert parse_value(None, attribute) is None
    column = to_column("x", [value, None], attribute, ids=["a", "b"])
    assert column.to_list() == [meaning, None]
    assert column.dtype == DTYPES[attribute.kind]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("category", ["a"]),
        ("category", float("nan")),
        ("categories", {"a": 1}),
        ("categories", [["a"]]),
        ("categories", [None]),
        ("number", "12"),
        ("number", float("inf")),
        ("number", []),
        ("text", {}),
        ("time", "soon"),
        ("time", True),
        ("time", 1704067200),
        ("time", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_values_of_another_kind(kind: str, value: Any) -> None:
    attribute = Attribute(kind=AttributeKind(kind))
    with pytest.raises(DataError, match=f"is no {kind}"):
        parse_value(value, attribute)
    with pytest.raises(DataError, match=r"attribute 'x' of 'b' holds"):
        to_column("x", [None, value], attribute, ids=["a", "b"])


def test_a_category_without_a_separator_is_one() -> None:
    assert parse_value("a|b", Attribute(kind=AttributeKind.CATEGORIES)) == ["a|b"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2.5, None], "number"),
        (["a", None], "category"),
        ([1, "a"], "category"),
        ([True], "category"),
        ([["a"], "b"], "categories"),
        ([f"a long title {i}" for i in range(99)], "text"),
    ],
)
def test_kinds_are_guessed(values: list[Any], kind: str) -> None:
    guess = guess_attribute(values)
    assert guess is not None
    assert guess.kind == kind
    assert len(to_column("x", values, guess, ids=["i"] * len(values))) == len(values)


def test_objects_and_nothing_have_no_kind() -> None:
    assert guess_attribute([{"a": 1}, "b"]) is None
    assert guess_attribute([None]) is None


def test_a_vector_has_as_many_finite_numbers_as_declared() -> None:
    photo = Attribute(kind=AttributeKind.VECTOR, size=2)
    assert parse_value([1, 2.5], photo) == [1.0, 2.5]
    column = to_column("photo", [[1, 2.5], None], photo, ids=["a", "b"])
    assert column.to_list() == [[1.0, 2.5], None]
    assert column.dtype == DTYPES[AttributeKind.VECTOR]
    for wrong in ([1.0], [1.0, 2.0, 3.0], "1 2", {"x": 1}):
        with pytest.raises(DataError, match="is no vector of 2 numbers"):
            parse_value(wrong, photo)
    with pytest.raises(DataError, match="is no number"):
        parse_value([1.0, float("nan")], photo)

"""Columns of attributes: a filter over a column is the filter over each item."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.config import Attribute, Schema
from palate.pipeline.filter import parse_filter
from palate.serve.item_columns import Column, column_of
from palate.types import AttributeKind

SCHEMA = Schema(
    items={
        "make": Attribute(kind=AttributeKind.CATEGORY),
        "tags": Attribute(kind=AttributeKind.CATEGORIES),
        "price": Attribute(kind=AttributeKind.NUMBER),
        "listed": Attribute(kind=AttributeKind.TIME),
    }
)
ODD: list[Any] = [None, "a", "1", 1, 1.0, True, 2.5, ["a", "b"], [], ["1", 2], {"x": 1},
                  "2026-01-02", "2026-01-02T00:00:00+01:00", float("nan"), 10**400]  # fmt: skip
FILTERS: list[dict[str, Any]] = [
    {"make": "a"}, {"make": ["1", "true"]}, {"make": {"none": ["a"]}},
    {"tags": {"all": ["a", "b"]}}, {"tags": {"any": ["b", 2], "none": ["1"]}},
    {"price": {"min": 1, "max": 2}}, {"price": 1},
    {"price": {"none": [1]}}, {"price": {"none": [1], "min": 2}},
    {"listed": {"min": "2026-01-02"}},
]  # fmt: skip


def column(name: str) -> Column:
    found = column_of(SCHEMA.items[name].kind)
    assert found is not None
    return found


@pytest.mark.parametrize("raw", FILTERS, ids=str)
@given(values=st.lists(st.sampled_from(ODD), max_size=20))
def test_whole_columns_hold_what_each_item_holds(raw: dict[str, Any], values: list[Any]) -> None:
    (condition,) = parse_filter(raw, SCHEMA).conditions
    one, rows = column(condition.attribute), np.arange(len(values))
    one.put(rows, values)
    each = [condition.holds({condition.attribute: value}) for value in values]
    assert one.holding(condition, rows).tolist() == each
    one.put(rows[::2], ["a"] * len(rows[::2]))  # answers by value are kept, and grow
    changed = ["a" if at % 2 == 0 else value for at, value in enumerate(values)]
    each = [condition.holds({condition.attribute: value}) for value in changed]
    assert one.holding(condition, rows).tolist() == each
    assert one.holding(condition, np.array([-1, 10**6])).tolist() == [condition.absent] * 2


def test_values_come_back_as_they_were() -> None:
    rows = np.arange(6)
    makes = column("make")
    makes.put(rows, ["a", None, 1, 1.0, True, "1"])
    assert list(map(repr, makes.values(rows))) == ["'a'", "None", "1", "1.0", "True", "'1'"]
    assert makes.values(np.array([-1, 99])) == [None, None]
    tags = column("tags")
    tags.put(rows[:2], [["a", "b"], ["b"]])
    assert tags.values(rows[:3]) == [["a", "b"], ["b"], None]


def test_numbers_and_times_come_back_as_numbers() -> None:
    prices, listed = column("price"), column("listed")
    rows = np.arange(3)
    prices.put(rows, [3, "cheap", 2.5])
    assert prices.values(rows) == [3, None, 2.5]
    listed.put(rows, ["1970-01-02", 7, None])
    assert listed.values(rows) == [86_400_000_000, 7, None]


def test_values_that_no_row_has_any_more_are_let_go() -> None:
    makes = column("make")
    rows = np.arange(1000)
    for turn in range(200):
        makes.put(rows, [f"{turn}-{row}" for row in rows.tolist()])
    assert makes.values(rows) == [f"199-{row}" for row in rows.tolist()]
    assert len(makes._values) < 80_000  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", [AttributeKind.TEXT, AttributeKind.IMAGE])
def test_what_no_filter_reads_has_no_column(kind: AttributeKind) -> None:
    assert column_of(kind) is None

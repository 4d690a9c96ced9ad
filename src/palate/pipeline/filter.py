"""Attribute filters: a small closed grammar, checked against the schema, never evaluated.

A filter is an object whose names are item attributes and whose values are conditions; all of
them must hold:

    {"make": "BMW",                          equals; for a list attribute: contains
     "genres": ["Comedy", "Drama"],          any of
     "genres": {"any": [...], "all": [...], "none": [...]},
     "price": {"min": 1000, "max": 10000}}   both ends included; numbers and times

An item without the attribute fails every condition but `none`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from palate.config import Schema
from palate.errors import DataError
from palate.types import AttributeKind

__all__ = [
    "MAX_CONDITIONS",
    "MAX_VALUES",
    "NO_FILTER",
    "Condition",
    "Filter",
    "number_of",
    "parse_filter",
    "seconds_of",
]

MAX_CONDITIONS: Final = 32  # attributes that one filter may name
MAX_VALUES: Final = 1000  # values that one list may hold

Attributes: TypeAlias = Mapping[str, Any]
Test: TypeAlias = Callable[[Any], bool]
Reader: TypeAlias = Callable[[Any], frozenset[Any]]

_LISTED: Final = ("any", "all", "none")
_RANGED: Final = ("min", "max")
_ORDERED: Final = frozenset({AttributeKind.NUMBER, AttributeKind.TIME})
_NAMED: Final = frozenset({AttributeKind.CATEGORY, AttributeKind.CATEGORIES})


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of one attribute.

    Attributes:
        attribute: Its name.
        asked: What was asked of it and the values compared with: two conditions are equal,
            and hash alike, by these.
        tests: Each takes the attribute's value, never None; all must say True.
        absent: The answer for an item that has no such attribute.
    """

    attribute: str
    asked: tuple[tuple[str, Hashable], ...]
    tests: tuple[Test, ...] = field(compare=False, repr=False)
    absent: bool = field(compare=False)

    def holds(self, attributes: Attributes) -> bool:
        """Whether an item with these attributes passes."""
        value = attributes.get(self.attribute)
        if value is None:
            return self.absent
        return all(test(value) for test in self.tests)


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions that all must hold. The empty filter lets everything through."""

    conditions: tuple[Condition, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.conditions)

    def __and__(self, other: Filter) -> Filter:
        return Filter(self.conditions + other.conditions)

    def matches(self, attributes: Attributes) -> bool:
        """Whether an item with these attributes passes every condition."""
        return all(condition.holds(attributes) for condition in self.conditions)


NO_FILTER: Final = Filter()


def parse_filter(raw: Mapping[str, Any], schema: Schema) -> Filter:
    """A filter from its JSON or TOML form.

    Args:
        raw: Attribute names and conditions, as in this module's grammar.
        schema: Declares the attributes and their kinds.

    Raises:
        DataError: An unknown attribute, a condition that its kind does not know, a value of
            the wrong type, or too many of either.
    """
    if len(raw) > MAX_CONDITIONS:
        raise DataError(f"a filter names {len(raw)} attributes; at most {MAX_CONDITIONS}")
    return Filter(tuple(_condition(name, raw[name], schema) for name in raw))


def _condition(name: str, raw: Any, schema: Schema) -> Condition:
    declared = schema.items.get(name)
    if declared is None:
        known = ", ".join(sorted(schema.items)) or "none are declared"
        raise DataError(f"filter: no item attribute {name!r}", hint=f"declared: {known}")
    if declared.kind not in _ORDERED | _NAMED:
        raise DataError(
            f"filter: {name!r} is {declared.kind}, which cannot be filtered on",
            hint="filters read category, categories, number and time",
        )
    asked = tuple(
        (what, _compared_with(name, declared.kind, what, value))
        for what, value in sorted(_normal_form(name, raw).items())
    )
    return Condition(
        name,
        asked,
        tuple(_TESTS[what](_READERS[declared.kind], value) for what, value in asked),
        absent=all(what == "none" for what, _ in asked),
    )


def _normal_form(name: str, raw: Any) -> Mapping[str, Any]:
    """`"BMW"` and `["BMW", "Audi"]` as `{"any": [...]}`."""
    if isinstance(raw, Mapping):
        unknown = [str(key) for key in raw if key not in (*_LISTED, *_RANGED)]
        if unknown or not raw:
            raise DataError(
                f"filter: {name!r} has " + (f"an unknown {unknown[0]!r}" if unknown else "nothing"),
                hint="an object holds any, all, none, min or max",
            )
        return raw
    return {"any": list(raw) if isinstance(raw, list | tuple) else [raw]}


def _compared_with(name: str, kind: AttributeKind, what: str, raw: Any) -> Hashable:
    """A bound, or a set of values, in the form in which items' values are read."""
    if what in _RANGED:
        if kind not in _ORDERED:
            raise DataError(
                f"filter: {name!r} is {kind}, which has no order for `{what}`",
                hint="use any or none",
            )
        return _literal(name, kind, raw)
    if what == "all" and kind is not AttributeKind.CATEGORIES:
        raise DataError(
            f"filter: {name!r} is {kind} and has one value, so it cannot match `all`",
            hint="use any or none",
        )
    return _values(name, kind, raw)


def _values(name: str, kind: AttributeKind, raw: Any) -> frozenset[Any]:
    if not isinstance(raw, Sequence) or isinstance(raw, str):
        raise DataError(f"filter: {name!r} needs a list of values, not {raw!r:.60}")
    if not raw:
        raise DataError(f"filter: {name!r} has an empty list, which would say nothing")
    if len(raw) > MAX_VALUES:
        raise DataError(f"filter: {name!r} lists {len(raw)} values; at most {MAX_VALUES}")
    return frozenset(_literal(name, kind, value) for value in raw)


def _literal(name: str, kind: AttributeKind, raw: Any) -> str | float:
    """A value that the asker gave, as items' values are compared; a wrong one is an error."""
    if kind in _NAMED:
        if isinstance(raw, str | bool | int | float):
            return _category(raw)
        raise DataError(f"filter: {name!r} is {kind}; {raw!r:.60} is no string, number or bool")
    value = number_of(raw) if kind is AttributeKind.NUMBER else seconds_of(raw)
    if not math.isfinite(value):
        form = "a finite number" if kind is AttributeKind.NUMBER else "an ISO 8601 time"
        raise DataError(f"filter: {name!r} is a {kind}; {raw!r:.60} is not {form}")
    return value


def _category(value: Any) -> str:
    """Categories compare as text, so that 1995 and "1995" from a CSV file are one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _categories(value: Any) -> frozenset[str]:
    values = value if isinstance(value, list | tuple) else (value,)
    return frozenset(map(_category, values))


def number_of(value: Any) -> float:
    """A number, NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def seconds_of(value: Any) -> float:
    """Seconds since 1970 UTC of an ISO 8601 text (naive means UTC) or of microseconds; or NaN."""
    if not isinstance(value, str):
        return number_of(value) / 1e6
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return math.nan
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


# Every kind is read as a set of values, so that one test a word serves all of them. What
# cannot be read is NaN, which is in no set and compares false with every bound.
_READERS: Final[dict[AttributeKind, Reader]] = {
    AttributeKind.CATEGORY: lambda value: frozenset((_category(value),)),
    AttributeKind.CATEGORIES: _categories,
    AttributeKind.NUMBER: lambda value: frozenset((number_of(value),)),
    AttributeKind.TIME: lambda value: frozenset((seconds_of(value),)),
}

_TESTS: Final[dict[str, Callable[[Reader, Any], Test]]] = {
    "any": lambda read, wanted: lambda value: not wanted.isdisjoint(read(value)),
    "all": lambda read, wanted: lambda value: wanted <= read(value),
    "none": lambda read, wanted: lambda value: wanted.isdisjoint(read(value)),
    "min": lambda read, bound: lambda value: all(v >= bound for v in read(value)),
    "max": lambda read, bound: lambda value: all(v <= bound for v in read(value)),
}

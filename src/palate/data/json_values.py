"""Attributes as JSON has them, one value at a time, in the form of their declared kind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from palate.config import Attribute
from palate.data.attributes import DTYPES, guess_kind
from palate.errors import DataError
from palate.types import AttributeKind

__all__ = ["guess_attribute", "parse_value", "to_column"]


def parse_value(
    value: Any, attribute: Attribute
) -> str | float | list[str] | list[float] | datetime | None:
    """What `value` means as this attribute; None stays None.

    Args:
        value: From JSON: null, text, number, boolean, array or object.
        attribute: Its kind decides. A category may be text, a number or a boolean;
            categories an array of those, or text that the separator splits; a number a
            number or a boolean; a time ISO 8601 text, in UTC where it names no zone; a
            vector an array of as many numbers as declared.

    Raises:
        DataError: It is not of the kind.
    """
    if value is None:
        return None
    kind = attribute.kind
    if kind is AttributeKind.NUMBER:
        return _number(value)
    if kind is AttributeKind.TIME:
        return _time(value)
    if kind is AttributeKind.VECTOR:
        return _vector(value, attribute.size)
    if kind is not AttributeKind.CATEGORIES:
        return _word(value, kind)
    if isinstance(value, list):
        return [_word(part, kind) for part in value]
    text = _word(value, kind)
    return [text] if attribute.separator is None else text.split(attribute.separator)


def to_column(
    name: str, values: Sequence[Any], attribute: Attribute, *, ids: Sequence[str]
) -> pl.Series:
    """`values` as a column of the kind's dtype.

    Args:
        name: Of the attribute.
        values: From JSON, one an id.
        attribute: Its kind.
        ids: Name the rows in an error.

    Raises:
        DataError: Names the attribute, the id and the value.
    """
    parsed = []
    for public, value in zip(ids, values, strict=True):
        try:
            parsed.append(parse_value(value, attribute))
        except DataError as error:
            raise DataError(
                f"attribute {name!r} of {public!r} {error.message}",
                hint="put a correct value, or declare another kind in palate.toml",
            ) from error
    return pl.Series(name, parsed, DTYPES[attribute.kind])


def guess_attribute(values: Sequence[Any]) -> Attribute | None:
    """The kind that fits all `values`; None where one is an object or all are null."""
    kinds = {type(v) for v in values if v is not None}
    if not kinds or dict in kinds:
        return None
    if list in kinds:
        return Attribute(kind=AttributeKind.CATEGORIES)
    if kinds <= {int, float}:
        return Attribute(kind=AttributeKind.NUMBER)
    words = pl.Series([None if v is None else str(v) for v in values], dtype=pl.String)
    return Attribute(kind=guess_kind(words))


def _word(value: Any, kind: AttributeKind) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return str(int(value)) if float(value).is_integer() else repr(value)
    raise DataError(f"holds {value!r}, which is no {kind.value}")


def _number(value: Any) -> float:
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    raise DataError(f"holds {value!r}, which is no number")


def _vector(value: Any, size: int | None) -> list[float]:
    if isinstance(value, list | tuple) and len(value) == size:
        return [_number(part) for part in value]
    raise DataError(f"is no vector of {size} numbers")


def _time(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"holds {value!r}, which is no time in ISO 8601") from error

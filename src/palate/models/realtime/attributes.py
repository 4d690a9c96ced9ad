"""Attributes of items as they come from a log, of any type: what is no value is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from palate.config import Attribute
from palate.data.json_values import parse_value
from palate.errors import DataError
from palate.features.columns import ColumnSpec
from palate.types import AttributeKind

__all__ = ["LONGEST", "MOST_VALUES", "parsed_of"]

LONGEST: Final = 4096  # characters of a value; a longer one is cut
MOST_VALUES: Final = 64  # of one attribute that holds several; the rest is left out


def parsed_of(
    specs: Sequence[ColumnSpec], attributes: Sequence[Mapping[str, Any]]
) -> dict[str, list[Any]]:
    """The columns that `specs` read, a value for each item; None where it has none.

    Whoever embeds a live catalogue must get on with whatever a dealer sent: a value that is
    absent, null or of a wrong type is none, a huge one is cut.

    Args:
        specs: Of fitted columns.
        attributes: As `item.upserted` has them.
    """
    columns: dict[str, list[Any]] = {}
    for spec in specs:
        attribute = _attribute(spec.kind, spec.separator)
        columns[spec.column] = [_value(one.get(spec.column), attribute) for one in attributes]
    return columns


@lru_cache(maxsize=64)
def _attribute(kind: AttributeKind, separator: str | None) -> Attribute:
    """What parsing reads of an attribute; checking its settings takes longer than parsing."""
    return Attribute(kind=kind, separator=separator)


def _value(raw: Any, attribute: Attribute) -> Any:
    if raw is None:
        return None
    if isinstance(raw, str):
        raw = raw[:LONGEST]
    if isinstance(raw, list | tuple):
        usable = [one for one in raw[:MOST_VALUES] if isinstance(one, str | int | float)]
        if raw and not usable:  # an empty list says that there is none, a wrong one says nothing
            return None
        raw = [one[:LONGEST] if isinstance(one, str) else one for one in usable]
    try:
        found = parse_value(raw, attribute)
    except (DataError, OverflowError):  # an integer beyond all floats overflows
        return None
    if isinstance(found, list):
        trimmed = (str(part).strip() for part in found[:MOST_VALUES])
        return list(dict.fromkeys(part for part in trimmed if part))
    return found

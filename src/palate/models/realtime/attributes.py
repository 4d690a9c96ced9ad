"""Attributes of items as they come from a log, of any type: what is no value is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from palate.config import Attribute
from palate.data.attributes import DTYPES
from palate.data.json_values import parse_value
from palate.errors import DataError
from palate.features.columns import ColumnSpec

__all__ = ["LONGEST", "MOST_VALUES", "frame_of"]

LONGEST: Final = 4096  # characters of a value; a longer one is cut
MOST_VALUES: Final = 64  # of one attribute that holds several; the rest is left out


def frame_of(specs: Sequence[ColumnSpec], attributes: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """The columns that `specs` read, one row an item.

    Whoever embeds a live catalogue must get on with whatever a dealer sent: a value that is
    absent, null or of a wrong type is a null, a huge one is cut.

    Args:
        specs: Of fitted columns.
        attributes: As `item.upserted` has them.
    """
    columns: dict[str, pl.Series] = {}
    for spec in specs:
        attribute = Attribute(kind=spec.kind, scale=spec.scale, separator=spec.separator)
        values = [_value(one.get(spec.column), attribute) for one in attributes]
        columns[spec.column] = pl.Series(spec.column, values, DTYPES[spec.kind])
    return pl.DataFrame(columns)


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

"""One column of a table in the dtype of its kind, read value by value."""

from __future__ import annotations

import polars as pl

from palate.config import Attribute
from palate.data.attributes import typed_column
from palate.errors import DataError
from palate.features.columns.spec import ColumnSpec
from palate.types import AttributeKind

__all__ = ["values"]

EXACT = 2.0**53  # whole numbers that a float64 holds exactly


def values(table: pl.DataFrame, spec: ColumnSpec) -> pl.Series:
    """The column that `spec` reads: String, List(String), Float64 or Datetime; null if missing.

    What a value becomes depends on that value alone, never on others of its column, so that
    a batch and a single row agree.

    Raises:
        DataError: The table lacks it, or a value is not of the kind; names the row, from 1.
    """
    if spec.column not in table.columns:
        raise DataError(
            f"no column {spec.column!r} for the field {spec.name!r}; the table has {table.columns}",
            hint="a value that is unknown is a null, not an absent column",
        )
    series = table[spec.column]
    kind, separator = spec.kind, spec.separator
    if kind is AttributeKind.CATEGORY:
        return _text(series)
    if kind is AttributeKind.CATEGORIES and not isinstance(series.dtype, pl.List):
        series = _text(series)
    numbers = pl.int_range(1, series.len() + 1, eager=True)
    rows = pl.select(pl.format("row {}", numbers)).to_series()
    typed = typed_column(series, Attribute(kind=kind, separator=separator), ids=rows)
    if kind is not AttributeKind.TIME or spec.is_number:
        return typed
    moved = typed.dt.offset_by(f"{round(spec.utc_offset_h * 3600)}s")
    part = moved.dt.hour() if spec.part == "hour" else moved.dt.weekday()
    return part.cast(pl.String)


def _text(series: pl.Series) -> pl.Series:
    """Strings; 10.0 is the category `10` and 2.5 is `2.5`; NaN and empty text are missing."""
    if isinstance(series.dtype, pl.List | pl.Struct | pl.Array):
        raise DataError(
            f"column {series.name!r} is {series.dtype}", hint='declare it kind = "categories"'
        )
    x = pl.col(series.name)
    frame = series.to_frame()
    if series.dtype.is_float():
        if series.is_infinite().any():
            row = series.is_infinite().arg_true()[0] + 1
            raise DataError(f"column {series.name!r} holds infinity in row {row}")
        whole = x.is_finite() & (x == x.round()) & (x.abs() < EXACT)
        named = (
            pl.when(whole)
            .then(x.cast(pl.Int64, strict=False).cast(pl.String))
            .otherwise(x.fill_nan(None).cast(pl.String))
        )
        return frame.select(named).to_series().alias(series.name)
    text = x.cast(pl.String)
    return frame.select(pl.when(text != "").then(text)).to_series().alias(series.name)

"""Attributes of items and users: one row an id, each declared attribute in one dtype."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from palate.config import Attribute
from palate.data.times import TIMESTAMP_DTYPE, to_times
from palate.errors import DataError
from palate.types import AttributeKind

__all__ = ["DTYPES", "guess_kind", "number_or_text", "typed", "typed_column"]

DTYPES: Final[dict[AttributeKind, pl.DataType]] = {
    AttributeKind.CATEGORY: pl.String(),
    AttributeKind.CATEGORIES: pl.List(pl.String()),
    AttributeKind.NUMBER: pl.Float64(),
    AttributeKind.TEXT: pl.String(),
    AttributeKind.IMAGE: pl.String(),
    AttributeKind.VECTOR: pl.List(pl.Float32()),
    AttributeKind.TIME: TIMESTAMP_DTYPE,
}
MOST_CATEGORIES: Final = 50  # a column of text with more distinct values than this...
DISTINCT_SHARE: Final = 0.5  # ...and than this share of its rows is read as running text


def typed(frame: pl.DataFrame, key: str, declared: Mapping[str, Attribute]) -> pl.DataFrame:
    """`frame` with every declared attribute as a column of its kind's dtype.

    A declared attribute that the frame lacks becomes a column of nulls (null means unknown);
    a column that is not declared stays as it is.

    Args:
        frame: One row an id, `key` a string column.
        key: item_id or user_id.
        declared: `schema.items` or `schema.users`.

    Raises:
        DataError: Names the attribute, the id and the value that is not of its kind.
    """
    columns = []
    for name, attribute in declared.items():
        if name in frame.columns:
            columns.append(typed_column(frame[name], attribute, ids=frame[key]))
        else:
            columns.append(pl.Series(name, [None] * frame.height, DTYPES[attribute.kind]))
    return frame.with_columns(columns)


def typed_column(series: pl.Series, attribute: Attribute, *, ids: pl.Series) -> pl.Series:
    """`series` in the dtype of the attribute's kind; `ids` name the rows in an error."""
    kind = attribute.kind
    if kind is AttributeKind.CATEGORIES:
        out = _lists(series, attribute.separator)
    elif kind is AttributeKind.NUMBER:
        out = _numbers(series)
    elif kind is AttributeKind.TIME:
        out = to_times(series)
    elif kind is AttributeKind.VECTOR:
        out = _vectors(series, attribute.size)
    else:
        out = _text(series)
    bad = out.is_null() & series.is_not_null()
    if series.dtype.is_float():
        bad = bad & series.is_not_nan()  # NaN is how pandas spells unknown
    if bad.any():
        row = bad.arg_true()[0]
        raise DataError(
            f"attribute {series.name!r} of {ids[row]!r} holds {series[row]!r}, "
            f"which is no {kind.value}",
            hint="correct the value, or declare another kind in palate.toml",
        )
    return out.alias(series.name)


def guess_kind(series: pl.Series) -> AttributeKind:
    """The kind that a column most likely holds, from its dtype and its distinct values."""
    if series.dtype.is_numeric():
        return AttributeKind.NUMBER
    if series.dtype.is_temporal():
        return AttributeKind.TIME
    if isinstance(series.dtype, pl.List):
        return AttributeKind.CATEGORIES
    many = max(MOST_CATEGORIES, int(series.len() * DISTINCT_SHARE))
    if isinstance(series.dtype, pl.String) and series.n_unique() > many:
        return AttributeKind.TEXT
    return AttributeKind.CATEGORY


def number_or_text(series: pl.Series) -> pl.Series:
    """A text column as numbers where every entry is one, else as it came.

    An entry that starts with a zero, as zip codes do, keeps the column text.
    """
    if series.dtype != pl.String or series.null_count() == series.len():
        return series
    padded = series.str.contains(r"^[+-]?0\d").any()
    numbers = series.cast(pl.Float64, strict=False)
    if padded or numbers.null_count() > series.null_count() or not numbers.is_finite().all():
        return series
    whole = series.cast(pl.Int64, strict=False)
    return whole if whole.null_count() == series.null_count() else numbers


def _text(series: pl.Series) -> pl.Series:
    """Strings; `10.0` from a float column is the category `10`; empty text is unknown."""
    if series.dtype.is_float():
        whole = series.cast(pl.Int64, strict=False)
        series = whole if (whole.cast(series.dtype) == series).all() else series.fill_nan(None)
    if isinstance(series.dtype, pl.List):
        raise DataError(
            f"attribute {series.name!r} holds lists", hint='declare it kind = "categories"'
        )
    return series.cast(pl.String)


def _lists(series: pl.Series, separator: str | None) -> pl.Series:
    """Lists of distinct, non-empty strings in the order given."""
    if not isinstance(series.dtype, pl.List):
        text = _text(series)
        if separator is None:
            lists = text.to_frame("x").select(
                pl.when(pl.col("x").is_not_null()).then(pl.concat_list("x"))
            )["x"]
        else:
            lists = text.str.split(separator)
    else:
        lists = series.cast(pl.List(pl.String()))
    trimmed = pl.element().str.strip_chars()
    return lists.list.eval(trimmed.filter(trimmed != "").unique(maintain_order=True))


def _vectors(series: pl.Series, size: int | None) -> pl.Series:
    """Lists of `size` finite numbers; null for any other."""
    if not isinstance(series.dtype, pl.List | pl.Array):
        return pl.Series(series.name, [None] * series.len(), pl.List(pl.Float32))
    numbers = series.cast(pl.List(pl.Float32), strict=False)
    finite = pl.col("x").list.eval(pl.element().is_finite().fill_null(value=False)).list.all()
    whole = (pl.col("x").list.len() == size) & finite
    return numbers.to_frame("x").select(pl.when(whole).then("x"))["x"]


def _numbers(series: pl.Series) -> pl.Series:
    if isinstance(series.dtype, pl.List) or series.dtype.is_temporal():
        return pl.Series(series.name, [None] * series.len(), pl.Float64)
    numbers = series.cast(pl.Float64, strict=False)
    return numbers.to_frame("x").select(pl.when(pl.col("x").is_finite()).then("x"))["x"]

"""The kind that an attribute column most likely holds, with the reason in plain words."""

from __future__ import annotations

from typing import Final

import polars as pl

from palate.config import Attribute
from palate.data.attributes import DISTINCT_SHARE, MOST_CATEGORIES, number_or_text
from palate.data.times import to_times
from palate.types import AttributeKind

__all__ = ["infer_kind"]

SEPARATORS: Final = ("|", ";", ",")
LIST_SHARE: Final = 0.1  # of rows hold a separator, at least
TOKEN_REUSE: Final = 3.0  # times that a list's value stands in the column on average, at least
TOKEN_CHARS: Final = 30  # a longer piece between separators is a clause, not a category
SKEW: Final = 10.0  # largest over median of positive numbers from which on a scale is logarithmic
IMAGE: Final = r"(?i)\.(jpe?g|png|webp|gif|avif)(\?|$)"


def infer_kind(series: pl.Series) -> tuple[Attribute | None, str]:
    """The attribute, or None for a column that says nothing, and why.

    Args:
        series: A sample of the column as `read_table` gives it.
    """
    known = number_or_text(series.drop_nulls())
    if known.is_empty():
        return None, "always empty"
    if isinstance(known.dtype, pl.List):
        return Attribute(kind=AttributeKind.CATEGORIES), "lists"
    if known.dtype.is_temporal():
        return Attribute(kind=AttributeKind.TIME), "times"
    if known.n_unique() == 1 and len(known) > 1:
        return None, f"always {known[0]!r}"
    if known.dtype.is_numeric():
        return _number(known)
    if known.dtype == pl.String:
        return _text(known)
    if known.dtype == pl.Boolean:
        return Attribute(kind=AttributeKind.CATEGORY), "true or false"
    return None, f"of type {known.dtype}, which no kind reads"


def _number(known: pl.Series) -> tuple[Attribute, str]:
    ordered = known.cast(pl.Float64).sort().to_numpy()
    low, middle, high = float(ordered[0]), float(ordered[len(ordered) // 2]), float(ordered[-1])
    span = f"numbers from {low:g} to {high:g}"
    if low > 0 and high / middle >= SKEW:
        return Attribute(kind=AttributeKind.NUMBER, scale="log"), f"{span}, most of them small"
    return Attribute(kind=AttributeKind.NUMBER), span


def _text(known: pl.Series) -> tuple[Attribute | None, str]:
    if known.str.contains(IMAGE).all():
        return Attribute(kind=AttributeKind.IMAGE), "names of image files"
    if known.str.contains(r"^https?://").all():
        return None, "web addresses"
    if known.str.contains(r"^\d{4}-\d{2}-\d{2}").all() and not to_times(known).null_count():
        return Attribute(kind=AttributeKind.TIME), "times in ISO 8601"
    for separator in SEPARATORS:
        if _is_list(known, separator):
            return (
                Attribute(kind=AttributeKind.CATEGORIES, separator=separator),
                f"values that repeat, separated by {separator!r}",
            )
    distinct = known.n_unique()
    counted = f"{distinct:,} distinct values in {len(known):,} rows"
    if distinct > max(MOST_CATEGORIES, int(len(known) * DISTINCT_SHARE)) or (
        distinct == len(known) and known.str.contains(" ").any()
    ):
        return Attribute(kind=AttributeKind.TEXT), counted
    return Attribute(kind=AttributeKind.CATEGORY), counted


def _is_list(known: pl.Series, separator: str) -> bool:
    holding = int(known.str.contains(separator, literal=True).sum())
    if holding < LIST_SHARE * len(known):
        return False
    tokens = known.str.split(separator).explode().str.strip_chars()
    tokens = tokens.filter(tokens != "")
    short = tokens.str.len_chars().max()
    reuse = len(tokens) / max(1, tokens.n_unique())
    return isinstance(short, int) and short <= TOKEN_CHARS and reuse >= TOKEN_REUSE

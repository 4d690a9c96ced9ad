"""Categories of a field: a row for each value seen, for the unseen, and for the missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

import numpy as np
import polars as pl

from palate.data.vocabulary import Vocabulary
from palate.features.columns.encoded import Block
from palate.features.columns.spec import ColumnSpec
from palate.types import AttributeKind, Float32Array, Int32Array, Int64Array

__all__ = ["MISSING", "RESERVED", "UNSEEN", "Levels"]

MISSING: Final = 0  # the row of a field for null
UNSEEN: Final = 1  # the row of a field for a value that training did not keep
RESERVED: Final = 2  # rows before the first value
LOOKED_UP_SINGLY: Final = 16  # times fewer rows than values: a dict beats building a hash table


@dataclass(frozen=True)
class Levels:
    """A fitted category.

    Attributes:
        spec: What it reads.
        values: Kept values, the most frequent first, ties by value; empty where hashed.
    """

    spec: ColumnSpec
    values: Vocabulary

    @classmethod
    def fit(cls, spec: ColumnSpec, series: pl.Series) -> Levels:
        """Count the values of `series`: String, or List(String) for categories."""
        if spec.ids == "hashed":
            return cls(spec, Vocabulary(()))
        flat = series.explode() if isinstance(series.dtype, pl.List) else series
        counted = flat.drop_nulls().alias("value").value_counts(name="n")
        kept = counted.filter(pl.col("n") >= spec.min_count)
        ordered = kept.sort(["n", "value"], descending=[True, False])
        return cls(spec, Vocabulary(ordered["value"].to_list()))

    @property
    def size(self) -> int:
        """Rows of the table that the field owns."""
        if self.spec.buckets is not None:
            return RESERVED + self.spec.buckets
        return RESERVED + len(self.values)

    def label(self, row: int) -> str:
        """What a row of the field stands for."""
        if row < RESERVED:
            return ("missing", "unseen")[row]
        return f"bucket {row - RESERVED}" if self.spec.ids == "hashed" else self.values.id(row - 2)

    def encode(self, series: pl.Series) -> Block:
        """The field of each row; a null is missing, an empty list has no entry."""
        if self.spec.kind is not AttributeKind.CATEGORIES:
            return Block(self._rows(series))
        lengths = series.list.len().fill_null(1).to_numpy().astype(np.int64)
        # Exploding writes one null for a null list and for an empty one; the latter has none.
        filled = series.to_frame("x").select(pl.col("x").filter(pl.Series(lengths > 0)))["x"]
        weights = np.repeat(_shares(lengths, self.spec), lengths)
        return Block(self._rows(filled.explode()), lengths, weights)

    def encode_parsed(self, parsed: Sequence[str | list[str] | datetime | None]) -> Block:
        """As `encode`, of values as `data.json_values.parse_value` gives them.

        Args:
            parsed: Of the kind of `spec`; those of a list are distinct and none is empty.
        """
        if self.spec.kind is not AttributeKind.CATEGORIES:
            words = [_part(v, self.spec) if isinstance(v, datetime) else v for v in parsed]
            return Block(np.fromiter(map(self._row, words), np.int32, len(words)))
        lists = [several if isinstance(several, list) else [None] for several in parsed]
        lengths = np.fromiter(map(len, lists), np.int64, len(lists))
        rows = [self._row(value) for several in lists for value in several]
        weights = np.repeat(_shares(lengths, self.spec), lengths)
        return Block(np.array(rows, np.int32), lengths, weights)

    def _row(self, value: object) -> int:
        """The row of the field for one value; None and an empty text are missing."""
        if not isinstance(value, str) or not value:
            return MISSING
        if self.spec.buckets is not None:
            return _bucket(value, self.spec.buckets)
        found = self.values.row(value)
        return UNSEEN if found < 0 else found + RESERVED

    def _rows(self, series: pl.Series) -> Int32Array:
        """(len(series),) int32 rows of the field."""
        if self.spec.buckets is not None:
            return _hashed(series, self.spec.buckets)
        few = series.len() * LOOKED_UP_SINGLY < len(self.values)
        found = self.values.rows(series.to_list() if few else series)
        rows = np.where(found < 0, np.int32(UNSEEN), found + np.int32(RESERVED))
        rows[series.is_null().to_numpy()] = MISSING
        return rows.astype(np.int32, copy=False)


def _shares(lengths: Int64Array, spec: ColumnSpec) -> Float32Array:
    """(n,) float32 weight of each entry of a row with so many."""
    n = np.maximum(lengths, 1).astype(np.float32)
    if spec.pool == "sum":
        return np.ones_like(n)
    return np.asarray(1 / (np.sqrt(n) if spec.pool == "root" else n), np.float32)


def _part(moment: datetime, spec: ColumnSpec) -> str:
    """The hour or the weekday of a time, Monday being 1."""
    moved = moment + timedelta(seconds=round(spec.utc_offset_h * 3600))
    return str(moved.hour if spec.part == "hour" else moved.isoweekday())


def _bucket(value: str, buckets: int) -> int:
    """The row of the field for a value that is hashed."""
    digest = blake2b(value.encode(), digest_size=8).digest()
    return RESERVED + int.from_bytes(digest, "little") % buckets


def _hashed(series: pl.Series, buckets: int) -> Int32Array:
    """BLAKE2b of the UTF-8 bytes, modulo the buckets: the same on every machine and version."""
    distinct = series.drop_nulls().unique()
    numbers = [_bucket(value, buckets) for value in distinct.to_list()]
    rows = series.replace_strict(
        distinct, pl.Series(numbers, dtype=pl.Int32), default=None, return_dtype=pl.Int32
    )
    return np.array(rows.fill_null(MISSING).to_numpy(), np.int32)

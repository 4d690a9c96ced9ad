"""Encoded columns as one dense table for trees: categories as codes, numbers as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from palate.features.columns import Columns, Encoded
from palate.types import AttributeKind, Float32Array, Int32Array

__all__ = ["TreeTable"]

EXACT_CODES: Final = 1 << 24  # float32 tells whole numbers apart up to here


@dataclass(frozen=True, slots=True)
class TreeTable:
    """Which table column comes from which field.

    A number is one column, NaN where missing. A category is one column of codes: 0 missing, 1
    unseen, then its values, the most frequent first, so that an order on codes is an order by
    frequency. A field of several values is a column of 0 and 1 for each of its most frequent
    values, and for missing and unseen.

    Attributes:
        fields: (m,) int32, the field of each table column.
        first: (m,) int32 the feature of each one-value column; -1 for codes and numbers.
        codes: Table columns that hold codes.
        numbers: Table columns that hold numbers, in the order of the dense block.
        offsets: Where each field's features begin.
    """

    fields: Int32Array
    first: Int32Array
    codes: tuple[int, ...]
    numbers: tuple[int, ...]
    offsets: tuple[int, ...]

    @classmethod
    def of(cls, columns: Columns, *, max_values: int) -> TreeTable:
        """The layout for `columns`; fields of several values get `max_values` columns at most."""
        fields: list[int] = []
        first: list[int] = []
        codes: list[int] = []
        numbers: list[int] = []
        offsets = columns.offsets.tolist()
        for field, spec in enumerate(columns.specs):
            if spec.kind is AttributeKind.CATEGORIES:
                size = offsets[field + 1] - offsets[field]
                shown = range(offsets[field], offsets[field] + min(size, max_values))
                fields += [field] * len(shown)
                first += list(shown)
                continue
            (numbers if spec.is_number else codes).append(len(fields))
            fields.append(field)
            first.append(-1)
        return cls(
            np.array(fields, np.int32),
            np.array(first, np.int32),
            tuple(codes),
            tuple(numbers),
            tuple(offsets),
        )

    @property
    def width(self) -> int:
        """Table columns."""
        return len(self.fields)

    def matrix(self, rows: Encoded) -> Float32Array:
        """(n, width) float32."""
        out = np.zeros((len(rows), self.width), np.float32)
        out[:, list(self.numbers)] = rows.numbers
        entry_fields, entry_rows = rows.fields(), rows.rows()
        for column in self.codes:
            field = int(self.fields[column])
            of_field = entry_fields == field
            code = rows.indices[of_field] - self.offsets[field]
            out[entry_rows[of_field], column] = np.minimum(code, EXACT_CODES)
        shown = np.flatnonzero(self.first >= 0)
        if len(shown):
            place = np.full(rows.n_features, -1, np.int64)
            place[self.first[shown]] = shown
            at = place[rows.indices]
            out[entry_rows[at >= 0], at[at >= 0]] = 1.0
        return out

    def by_field(self, values: np.ndarray) -> np.ndarray:
        """(n_fields,) float64 sums of (width,) `values` over the columns of each field."""
        return np.bincount(self.fields, values, minlength=len(self.offsets) - 1)

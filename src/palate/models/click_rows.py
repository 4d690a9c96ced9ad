"""Labelled rows for click models: labels checked, groups found, a validation part cut off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

import numpy as np
import polars as pl

from palate.errors import DataError
from palate.features.columns import Columns, Encoded
from palate.types import Float32Array, Int64Array

__all__ = ["Cut", "Labelled", "Part", "Task"]

Task: TypeAlias = Literal["click", "rating", "rank"]
Cut: TypeAlias = Literal["random", "last"]
WANTED = {"click": "0 or 1", "rating": "a finite number", "rank": "a grade 0, 1, 2 ..."}


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that a model learns from or is stopped by.

    Attributes:
        rows: n of them, encoded.
        labels: (n,) float32.
        groups: (n,) int64 from 0, equal for rows of one list; None where no task needs it.
    """

    rows: Encoded
    labels: Float32Array
    groups: Int64Array | None


@dataclass(frozen=True, slots=True)
class Labelled:
    """A table with its labels, as yet not encoded; attributes as in `Part`."""

    table: pl.DataFrame
    labels: Float32Array
    groups: Int64Array | None

    @classmethod
    def of(cls, table: pl.DataFrame, label: str, task: Task, group: str | None) -> Self:
        """Check the labels of `table`.

        Raises:
            DataError: The label's or group's column is missing, or a label is none for the
                task; names the row, from 1.
        """
        labels = _labels(table, label, task)
        if group is None:
            return cls(table, labels, None)
        if group not in table.columns:
            raise DataError(f"no column {group!r} to group rows by; the table has {table.columns}")
        _, first, groups = np.unique(
            table.select(pl.struct([group]).rank("dense")).to_series().to_numpy(),
            return_index=True,
            return_inverse=True,
        )
        order = np.argsort(np.argsort(first))  # groups in order of appearance
        return cls(table, labels, order[groups].astype(np.int64))

    def cut(self, share: float, which: Cut, seed: int) -> tuple[Self, Self]:
        """Without, and only, `share` of the rows (of the groups, where there are any).

        Raises:
            DataError: Either part would be empty.
        """
        units = np.arange(len(self.labels)) if self.groups is None else self.groups
        n = int(units.max()) + 1 if len(units) else 0
        held = round(n * share)
        if held == 0 or held == n:
            raise DataError(
                f"{share:.0%} of {n} rows or groups leaves nothing to learn from or to stop by",
                hint="set validation = 0, or give more rows",
            )
        order = np.arange(n) if which == "last" else np.random.default_rng(seed).permutation(n)
        chosen = np.zeros(n, np.bool_)
        chosen[order[n - held :]] = True
        mask = chosen[units]
        return self._only(~mask), self._only(mask)

    def part(self, columns: Columns) -> Part:
        """Encoded by `columns`."""
        return Part(columns.encode(self.table), self.labels, self.groups)

    def check_classes(self) -> None:
        """Refuse clicks of which all are, or none is.

        Raises:
            DataError: There is nothing to tell apart.
        """
        if not len(self.labels) or (self.labels == self.labels[0]).all():
            what = f"are {self.labels[0]:g}" if len(self.labels) else "are missing"
            raise DataError(
                f"all {len(self.labels)} labels {what}: there is nothing to tell apart",
                hint="give rows of both classes, impressions without a click among them",
            )

    def _only(self, mask: np.ndarray) -> Self:
        groups = None if self.groups is None else self.groups[mask]
        return type(self)(self.table.filter(pl.Series(mask)), self.labels[mask], groups)


def _labels(table: pl.DataFrame, label: str, task: Task) -> Float32Array:
    if label not in table.columns:
        raise DataError(f"no label column {label!r}; the table has {table.columns}")
    series = table[label]
    if not (series.dtype.is_numeric() or series.dtype == pl.Boolean):
        raise DataError(f"label {label!r} is {series.dtype}; labels are numbers")
    raw = series.cast(pl.Float64).fill_null(np.nan).to_numpy()
    bad = ~np.isfinite(raw)
    if task == "click":
        bad |= (raw != 0) & (raw != 1)
    elif task == "rank":
        bad |= (raw != np.round(raw)) | (raw < 0)
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(
            f"label {label!r} holds {series[row]!r} in row {row + 1}; it is {WANTED[task]}",
            hint="correct or drop such rows",
        )
    return np.asarray(raw, np.float32)

"""Numbers of a field: standardised, or as nearness to knots; missing ones have a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import polars as pl

from palate.features.columns.encoded import Block
from palate.features.columns.levels import MISSING
from palate.features.columns.spec import ColumnSpec
from palate.types import Float64Array

__all__ = ["Scale"]

DAY_US: Final = 86_400_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True)
class Scale:
    """A fitted number.

    z = (clip(g(x), low, high) - mean) / std, with g linear or sign(x) ln(1 + |x|). A number
    beyond what training had counts as the nearest that it had: nothing is known further out.

    Attributes:
        spec: What it reads.
        mean: Of g(x) over the training rows that have it; 0 where none has.
        std: Its standard deviation; 1 where all are equal.
        low: Smallest g(x) in training.
        high: Largest.
        knots: (n_knots,) float64 ascending, in units of g(x); empty without bins.
    """

    spec: ColumnSpec
    mean: float
    std: float
    low: float
    high: float
    knots: Float64Array

    @classmethod
    def fit(cls, spec: ColumnSpec, series: pl.Series) -> Scale:
        """Measure the numbers or times of `series`, nulls left out."""
        x = _scaled(spec, _numbers(series))
        x = x[~np.isnan(x)]
        if not len(x):
            return cls(spec, 0.0, 1.0, 0.0, 0.0, np.zeros(1 if spec.bins is not None else 0))
        low, high = float(x.min()), float(x.max())
        # The difference is formed first: equal numbers then have no spread at all.
        mean = low + float((x - low).mean())
        std = float(np.sqrt(np.square(x - mean).mean())) if high > low else 0.0
        knots = np.empty(0)
        if spec.bins is not None:
            knots = np.unique(np.quantile(x, np.linspace(0.0, 1.0, spec.bins)))
        return cls(spec, mean if std > 0 else low, std if std > 0 else 1.0, low, high, knots)

    @property
    def size(self) -> int:
        """Rows of the table: the missing, then the value or its knots."""
        return 1 + (len(self.knots) if self.spec.bins is not None else 1)

    def label(self, row: int) -> str:
        """What a row of the field stands for."""
        if row == MISSING:
            return "missing"
        return "value" if self.spec.bins is None else f"near {self._unscaled(row - 1):.6g}"

    def encode(self, series: pl.Series) -> Block:
        """The field of each row; a null is missing."""
        return self._encoded(_numbers(series))

    def encode_parsed(self, parsed: Sequence[float | datetime | None]) -> Block:
        """As `encode`, of values as `data.json_values.parse_value` gives them."""
        return self._encoded(np.array([_number(value) for value in parsed], np.float64))

    def _encoded(self, numbers: Float64Array) -> Block:
        """(n,) numbers, or days since 1970; NaN where missing."""
        x = np.clip(_scaled(self.spec, numbers), self.low, self.high)
        known = ~np.isnan(x)
        z = ((x - self.mean) / self.std).astype(np.float32)
        if self.spec.bins is None:
            weights = np.where(known, z, np.float32(1))
            return Block(known.astype(np.int32), weights=weights, numbers=z)
        return self._near(x, known, z)

    def _near(self, x: Float64Array, known: np.ndarray, z: np.ndarray) -> Block:
        """The knots around each number, both weighted by nearness; one where it hits a knot."""
        left = np.searchsorted(self.knots, x, side="right") - 1
        left = np.clip(left, 0, max(0, len(self.knots) - 2))
        right = np.minimum(left + 1, len(self.knots) - 1)
        gap = self.knots[right] - self.knots[left]
        share = np.divide(x - self.knots[left], gap, out=np.zeros(len(x)), where=gap > 0)
        share[~known] = 0.0
        pair = np.column_stack((np.where(known, left + 1, MISSING), right + 1))
        weights = np.column_stack((1.0 - share, share))
        used = weights > 0
        return Block(
            pair[used].astype(np.int32),
            used.sum(axis=1).astype(np.int64),
            weights[used].astype(np.float32),
            z,
        )

    def _unscaled(self, knot: int) -> float:
        at = float(self.knots[knot])
        return at if self.spec.scale == "linear" else float(np.sign(at) * np.expm1(abs(at)))


def _numbers(series: pl.Series) -> Float64Array:
    """(n,) float64, NaN where null; times in days since 1970."""
    if series.dtype.is_temporal():
        series = series.cast(pl.Int64) / DAY_US
    return np.asarray(series.cast(pl.Float64).fill_null(np.nan).to_numpy(), np.float64)


def _number(value: float | datetime | None) -> float:
    """One of `_numbers`."""
    if isinstance(value, datetime):
        return float((value - _EPOCH) // _MICROSECOND) / DAY_US
    return np.nan if value is None else value


def _scaled(spec: ColumnSpec, x: Float64Array) -> Float64Array:
    """(n,) float64 g(x)."""
    if spec.scale == "log":
        x = np.sign(x) * np.log1p(np.abs(x))
    return np.asarray(x, np.float64)

"""A fitted set of columns: any table that has them becomes the same numbers, always."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
import polars as pl
from narwhals.typing import IntoDataFrame

from palate.data.frames import to_polars
from palate.errors import ConfigError, DataError
from palate.features.columns.encoded import Encoded, joined
from palate.features.columns.levels import Levels
from palate.features.columns.scale import Scale
from palate.features.columns.spec import ColumnSpec
from palate.features.columns.values import values
from palate.types import Int64Array

__all__ = ["Columns", "Fitted"]

Fitted: TypeAlias = Levels | Scale


@dataclass(frozen=True)
class Columns:
    """Fields in order, each with what it learned of its values.

    One row of one table is encoded the same alone, in a batch, in training and in serving.

    Attributes:
        fitted: One for each field.
    """

    fitted: tuple[Fitted, ...]

    @classmethod
    def fit(cls, frame: IntoDataFrame, specs: Sequence[ColumnSpec]) -> Self:
        """Learn values, counts and scales from the rows that a model is trained on.

        Args:
            frame: pandas, polars or Arrow; further columns are not looked at.
            specs: The fields, in order.

        Raises:
            ConfigError: No field, or two of one name.
            DataError: A column is missing, or holds what its kind cannot (infinity, a word
                among numbers); names the column and the row.
        """
        names = [spec.name for spec in specs]
        if not names:
            raise ConfigError("there are no columns to encode", hint="name one ColumnSpec or more")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(f"two columns are called {twice[0]!r}", hint="use source for one")
        table = to_polars(frame)
        if table.is_empty():
            raise DataError("the columns have no rows to be fitted on")
        return cls(tuple(_fit(spec, values(table, spec)) for spec in specs))

    @property
    def specs(self) -> tuple[ColumnSpec, ...]:
        """What each field reads."""
        return tuple(one.spec for one in self.fitted)

    @property
    def offsets(self) -> Int64Array:
        """(f + 1,) int64; field j owns the table's rows `offsets[j]:offsets[j + 1]`."""
        sizes = [one.size for one in self.fitted]
        return np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))

    @property
    def n_features(self) -> int:
        """Rows of the table that all fields share."""
        return int(self.offsets[-1])

    @property
    def numbers(self) -> tuple[str, ...]:
        """Names of the columns of the dense block."""
        return tuple(spec.name for spec in self.specs if spec.is_number)

    def encode(self, frame: IntoDataFrame) -> Encoded:
        """The rows of `frame`, in order; none is dropped.

        A null or NaN has a row of its own, and so has a value that training did not keep.

        Raises:
            DataError: A column is missing or holds what its kind cannot.
        """
        table = to_polars(frame)
        blocks = [one.encode(values(table, one.spec)) for one in self.fitted]
        return joined(blocks, [one.size for one in self.fitted], table.height)

    def encode_parsed(self, parsed: Mapping[str, Sequence[Any]], n: int) -> Encoded:
        """As `encode`, of n rows that are no table: some ten times as fast for a few of them.

        Args:
            parsed: By column, (n,) values as `data.json_values.parse_value` gives them: text,
                a number, a time with its zone, a list of distinct texts; None where missing.
            n: Rows.
        """
        blocks = [one.encode_parsed(parsed[one.spec.column]) for one in self.fitted]
        return joined(blocks, [one.size for one in self.fitted], n)

    def label(self, feature: int) -> str:
        """What a row of the shared table stands for: `genre=drama`, `price=missing`."""
        offsets = self.offsets
        if not 0 <= feature < offsets[-1]:
            raise DataError(f"feature {feature}; there are {offsets[-1]}")
        field = int(np.searchsorted(offsets, feature, side="right")) - 1
        one = self.fitted[field]
        return f"{one.spec.name}={one.label(int(feature - offsets[field]))}"

    def save(self, folder: Path) -> None:
        """Write `columns.json` and `columns.npz` to `folder`; see `files`."""
        from palate.features.columns import files

        files.write(self, folder)

    @classmethod
    def load(cls, folder: Path) -> Columns:
        """Read what `save` wrote.

        Raises:
            BundleError: A file is missing, damaged, or of another version.
        """
        from palate.features.columns import files

        return files.read(folder)


def _fit(spec: ColumnSpec, series: pl.Series) -> Fitted:
    return Scale.fit(spec, series) if spec.is_number else Levels.fit(spec, series)

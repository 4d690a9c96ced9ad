"""The one place where public ids (strings) become row numbers and back."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from palate.errors import BundleError, DataError
from palate.types import Int32Array

__all__ = ["Vocabulary"]


class Vocabulary:
    """An immutable, ordered set of ids.

    Row numbers follow the order given; `Vocabulary.sorted` orders by id, so that a tie
    broken by the lowest row is a tie broken by the lowest id.
    """

    __slots__ = ("_ids", "_rows", "_series")

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = tuple(ids)
        self._rows = {public: row for row, public in enumerate(self._ids)}
        self._series: pl.Series | None = None
        if len(self._rows) != len(self._ids):
            raise DataError("a vocabulary needs distinct ids")

    @classmethod
    def sorted(cls, ids: Iterable[str] | pl.Series) -> Vocabulary:
        """The distinct `ids` in ascending order of their code points."""
        if isinstance(ids, pl.Series):  # UTF-8 bytes sort as code points do
            return cls(ids.unique().sort().to_list())
        return cls(sorted(set(ids)))

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, public: object) -> bool:
        return public in self._rows

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self._ids == other._ids

    def __hash__(self) -> int:
        return hash(self._ids)

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} ids)"

    @property
    def ids(self) -> tuple[str, ...]:
        """All ids by row."""
        return self._ids

    @property
    def series(self) -> pl.Series:
        """All ids by row as a polars column, to gather from."""
        if self._series is None:
            self._series = pl.Series(self._ids, dtype=pl.String)
        return self._series

    def id(self, row: int) -> str:
        """The id in `row`."""
        return self._ids[row]

    def row(self, public: str) -> int:
        """The row of `public`, or -1 where it is unknown."""
        return self._rows.get(public, -1)

    def rows(self, ids: Sequence[str] | pl.Series) -> Int32Array:
        """The rows of `ids`, (len(ids),) int32, -1 where unknown.

        A polars column is looked up in one compiled pass, ten times as fast as a list.
        """
        if isinstance(ids, pl.Series):
            numbers = pl.arange(0, len(self), dtype=pl.Int32, eager=True)
            found = ids.replace_strict(self.series, numbers, default=-1, return_dtype=pl.Int32)
            return np.array(found.to_numpy(), np.int32)
        rows = self._rows
        return np.fromiter((rows.get(public, -1) for public in ids), np.int32, len(ids))

    def save(self, path: Path) -> None:
        """Write as npz: UTF-8 bytes of all ids, and the offset after each, int64."""
        encoded = [public.encode() for public in self._ids]
        ends = np.cumsum([len(e) for e in encoded], dtype=np.int64)
        np.savez(path, text=np.frombuffer(b"".join(encoded), np.uint8), ends=ends)

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read what `save` wrote.

        Raises:
            BundleError: The file is missing, truncated, or not a vocabulary.
        """
        try:
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                text, ends = file["text"].tobytes(), file["ends"].tolist()
            if (ends[-1] if ends else 0) != len(text):
                raise ValueError("the offsets do not match the text")
            starts = [0, *ends[:-1]]
            return cls(text[a:b].decode() for a, b in zip(starts, ends, strict=bool(ends)))
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise BundleError(f"{path} is not a vocabulary: {error}") from error
        except DataError as error:
            raise BundleError(f"{path} is not a vocabulary: {error.message}") from error

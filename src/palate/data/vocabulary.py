"""The one place where public ids (strings) become row numbers and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from palate.errors import BundleError, DataError
from palate.types import Int32Array

__all__ = ["Vocabulary"]


class Vocabulary:
    """An immutable, ordered set of ids.

    Row numbers follow the order given; `Vocabulary.sorted` orders by id, so that a tie
    broken by the lowest row is a tie broken by the lowest id.
    """

    __slots__ = ("_ids", "_rows")

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = tuple(ids)
        self._rows = {public: row for row, public in enumerate(self._ids)}
        if len(self._rows) != len(self._ids):
            raise DataError("a vocabulary needs distinct ids")

    @classmethod
    def sorted(cls, ids: Iterable[str]) -> Vocabulary:
        """The distinct `ids` in ascending order."""
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

    def id(self, row: int) -> str:
        """The id in `row`."""
        return self._ids[row]

    def row(self, public: str) -> int:
        """The row of `public`, or -1 where it is unknown."""
        return self._rows.get(public, -1)

    def rows(self, ids: Sequence[str]) -> Int32Array:
        """The rows of `ids`, (len(ids),) int32, -1 where unknown."""
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
            BundleError: The file is not a vocabulary.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                text, ends = file["text"].tobytes(), file["ends"].tolist()
        except (OSError, KeyError, ValueError) as error:
            raise BundleError(f"{path} is not a vocabulary: {error}") from error
        starts = [0, *ends[:-1]]
        return cls(text[a:b].decode() for a, b in zip(starts, ends, strict=True))

"""The ids that training met: each has a row of a table, any other has the row of zeros."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from palate.errors import DataError
from palate.types import Int32Array

__all__ = ["NEVER_SEEN", "TrainedIds", "hashed"]

NEVER_SEEN: Final = 0  # the row of zeros


@dataclass(frozen=True, slots=True)
class TrainedIds:
    """Which ids were trained, kept as hashes: the ids themselves need not travel.

    Up to `buckets` ids have a row each; more share rows by their hash (Weinberger et al. 2009,
    "Feature hashing for large scale multitask learning", ICML). An id that was never trained is
    told from one that shares a row by its whole hash of 64 bits, and reads zeros.

    Attributes:
        hashes: (n,) uint64 ascending, distinct.
        buckets: Most rows beside that of zeros.
    """

    hashes: NDArray[np.uint64]
    buckets: int

    @classmethod
    def of(cls, ids: Iterable[str], buckets: int) -> TrainedIds:
        """Of the ids that have training rows."""
        if buckets < 1:
            raise DataError(f"ids are hashed into {buckets} rows; at least 1 is needed")
        return cls(np.unique(hashed(list(ids))), buckets)

    @property
    def n_rows(self) -> int:
        """Rows of the table, that of zeros included."""
        return 1 + min(len(self.hashes), self.buckets)

    def rows(self, ids: Sequence[str]) -> Int32Array:
        """(n,) int32 rows of the table; `NEVER_SEEN` for ids that were not trained."""
        found = np.zeros(len(ids), np.int32)
        if not len(self.hashes) or not len(ids):
            return found
        asked = hashed(ids)
        at = np.minimum(np.searchsorted(self.hashes, asked), len(self.hashes) - 1)
        known = self.hashes[at] == asked
        found[known] = self.own_rows()[at[known]]
        return found

    def own_rows(self) -> Int32Array:
        """(n,) int32 rows of the table, of each of `hashes`."""
        n = len(self.hashes)
        if n <= self.buckets:
            return np.arange(1, n + 1, dtype=np.int32)
        return 1 + (self.hashes % np.uint64(self.buckets)).astype(np.int32)

    def with_more(self, ids: Iterable[str]) -> TrainedIds:
        """These and others; rows of the same id may differ."""
        return TrainedIds(np.union1d(self.hashes, hashed(list(ids))), self.buckets)


def hashed(ids: Sequence[str]) -> NDArray[np.uint64]:
    """(n,) uint64 BLAKE2b of the UTF-8 bytes: the same on every machine."""
    digests = b"".join(blake2b(one.encode(), digest_size=8).digest() for one in ids)
    return np.frombuffer(digests, np.dtype("<u8")).astype(np.uint64)

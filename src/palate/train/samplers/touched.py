"""What each user touched, in the order in which it is looked up fastest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from palate.types import Int32Array, Int64Array

__all__ = ["Touched"]


@dataclass(frozen=True, slots=True)
class Touched:
    """Distinct items by user.

    Attributes:
        indptr: (n_users + 1,) int64; user u's items are items[indptr[u]:indptr[u + 1]].
        items: int32 item rows, ascending within a user, none twice.
    """

    indptr: Int64Array
    items: Int32Array

    @classmethod
    def of(cls, users: NDArray[Any], items: NDArray[Any], n_users: int) -> Self:
        """From pairs: (n,) user rows below `n_users` and (n,) item rows, in any order."""
        order = np.lexsort((items, users))
        sorted_users, sorted_items = users[order], items[order].astype(np.int32)
        first = np.ones(len(order), np.bool_)
        first[1:] = (np.diff(sorted_users) != 0) | (np.diff(sorted_items) != 0)
        counts = np.bincount(sorted_users[first], minlength=n_users)
        indptr = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        return cls(indptr, sorted_items[first])

    @classmethod
    def nothing(cls, n_users: int = 1) -> Self:
        """Users who touched nothing."""
        return cls(np.zeros(n_users + 1, np.int64), np.empty(0, np.int32))

    @property
    def n_items(self) -> int:
        """One above the highest item row."""
        return int(self.items.max()) + 1 if len(self.items) else 0

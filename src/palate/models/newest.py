"""The newest items that a user liked: what models read that look at so many and no more."""

from __future__ import annotations

import numpy as np

from palate.data.histories import Histories
from palate.types import Int32Array

__all__ = ["newest_liked"]


def newest_liked(histories: Histories, n: int) -> tuple[Int32Array, Int32Array]:
    """The last `n` items of each history whose events are worth more than 0, repeats included.

    Args:
        histories: n_users of them.
        n: At least 1.

    Returns:
        (n_users, n) int32 items at the right of their rows, oldest first, -1 before them; and
        (n_users,) int32 how many there are.
    """
    liked = np.flatnonzero(histories.values > 0)
    users, items = histories.users()[liked], histories.items[liked]
    counts = np.bincount(users, minlength=histories.n_users)
    from_end = np.repeat(np.cumsum(counts), counts) - np.arange(len(items)) - 1
    kept = from_end < n
    newest = np.full((histories.n_users, n), -1, np.int32)
    newest[users[kept], n - 1 - from_end[kept]] = items[kept]
    return newest, np.minimum(counts, n).astype(np.int32)

"""Batches of whole users: the items of each, in compressed rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from palate.data.histories import Histories
from palate.train.batches import ArrayBatches, Batch
from palate.types import Int64Array

__all__ = ["More", "UserBatch", "user_batches"]

More = Callable[[Int64Array, np.random.Generator], Tensor]


@dataclass(frozen=True, slots=True)
class UserBatch:
    """n users with m entries in all.

    Attributes:
        rows: (n,) int64 users of the histories that the batches are of.
        counts: (n,) int64 entries of each, at least 1.
        starts: (n,) int64 the first entry of each.
        items: (m,) int64.
        users: (m,) int64, 0 to n - 1, whose each entry is.
    """

    rows: Tensor
    counts: Tensor
    starts: Tensor
    items: Tensor
    users: Tensor

    @classmethod
    def of(cls, batch: Batch) -> Self:
        """Name the tensors of a batch that `user_batches` made."""
        return cls(*batch)


def user_batches(
    histories: Histories, *, batch_size: int, seed: int, more: More | None = None
) -> ArrayBatches:
    """Every user with entries once an epoch, in an order drawn anew.

    Args:
        histories: What each is to be learned from.
        batch_size: Users a batch.
        seed: Of the order and the draws.
        more: Draws a further tensor for the (m,) int64 user rows of a batch's entries.

    Raises:
        DataError: Nobody has any entry.
    """
    active = np.flatnonzero(np.diff(histories.indptr))

    def prepare(rows: Int64Array, rng: np.random.Generator) -> Batch:
        users = active[rows]
        part = histories.select(users)
        of = part.users().astype(np.int64)
        arrays = (users, np.diff(part.indptr), part.indptr[:-1].copy(), part.items, of)
        batch = tuple(torch.from_numpy(array.astype(np.int64)) for array in arrays)
        return batch if more is None else (*batch, more(users[of], rng))

    return ArrayBatches((active,), batch_size=batch_size, seed=seed, prepare=prepare)

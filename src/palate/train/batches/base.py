"""The contract of batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
import torch

from palate.types import Int64Array

__all__ = ["Batch", "Batches", "Located", "Prepare"]

Batch: TypeAlias = tuple[torch.Tensor, ...]
"""Tensors of one step, valid until the next batch is taken; the first has a row a case."""

Prepare: TypeAlias = Callable[[Int64Array, np.random.Generator], Batch]
"""Makes a batch of row numbers: gathers, pads, draws negatives from the generator given."""


class Batches(Protocol):
    """What a net learns from.

    The batches of an epoch depend on (seed, epoch) alone, so that training resumes exactly,
    and batch `n` is the same whether or not the ones before it were made.
    """

    def __len__(self) -> int:
        """Batches an epoch; the same in every process and epoch."""
        ...

    def epoch(self, number: int, *, skip: int = 0) -> Iterator[Batch]:
        """The batches of epoch `number` (from 1), from batch `skip` (from 0) on.

        Negatives are drawn here.
        """
        ...


@runtime_checkable
class Located(Protocol):
    """Batches that can say which data they are, and which rows are in one of them."""

    def fingerprint(self) -> str:
        """Changes with the data and their order; equal in every process."""
        ...

    def rows(self, epoch: int, batch: int) -> Int64Array:
        """(n,) row numbers in the data of one batch of this process, as `epoch` gives it."""
        ...

"""The processes that train one net together, and this one's place among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
import torch.distributed as dist

from palate.types import Int64Array

__all__ = ["World"]


@dataclass(frozen=True, slots=True)
class World:
    """How many processes there are, and which is this one.

    Attributes:
        rank: This process, from 0. The first one validates and writes.
        size: How many.
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def here(cls) -> Self:
        """What `torch.distributed` was set up with; one process alone otherwise."""
        if not (dist.is_available() and dist.is_initialized()):
            return cls()
        return cls(dist.get_rank(), dist.get_world_size())

    def share(self, rows: Int64Array) -> Int64Array:
        """This process's rows of one batch, dealt in turn; never none of them.

        Where there are fewer rows than processes, some rows go to several.
        """
        if self.size == 1:
            return rows
        if len(rows) < self.size:
            at = self.rank % len(rows)
            return rows[at : at + 1]
        return rows[self.rank :: self.size]

    def agreed(self, value: float) -> float:
        """The first process's value, in all of them."""
        if self.size == 1:
            return value
        said = torch.tensor([value], dtype=torch.float64)
        dist.broadcast(said, src=0)
        return float(said.item())

    def wait(self) -> None:
        """Go on when all have come here."""
        if self.size > 1:
            dist.barrier()

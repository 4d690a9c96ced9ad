"""Nets and index of one space as a request sees them: taken once, never mixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from palate.retrieval.index.base import VectorIndex
from palate.retrieval.indexer import Indexer

__all__ = ["Live", "OfSpace"]


class OfSpace(Protocol):
    """Nets of one space."""

    @property
    def space(self) -> str:
        """Which: the index that they are used with is of the same."""
        ...


N = TypeVar("N", bound=OfSpace)


@dataclass(frozen=True, slots=True, eq=False)
class Live(Generic[N]):
    """What answers now. A request takes it once, and ends on what it began with.

    Attributes:
        nets: Give vectors of `space`.
        index: Holds vectors of `space`; changes all the time.
        snapshot: The key of the snapshot that the index began with.
        indexer: Applies what was published since.
    """

    nets: N
    index: VectorIndex
    snapshot: str
    indexer: Indexer

    @property
    def space(self) -> str:
        """Of nets and index."""
        return self.nets.space

    @property
    def applied(self) -> int:
        """The offset of `item_embeddings` that the index reflects."""
        return self.indexer.applied

"""The port of vector indexes: its law in a sentence each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from palate.types import Float32Array

__all__ = ["Hits", "Metric", "VectorIndex"]


class Metric(StrEnum):
    """What nearest means; scores are higher for what is nearer."""

    INNER_PRODUCT = "inner_product"  # q . x
    COSINE = "cosine"  # q . x / (|q| |x|); 0 where either is the zero vector
    EUCLIDEAN = "euclidean"  # -|q - x|^2


@dataclass(frozen=True, slots=True)
class Hits:
    """The items nearest to one query.

    Attributes:
        ids: Best first, no id twice; fewer than asked for where there are fewer.
        scores: (len(ids),) float32 under the index's metric, never rising.
        vectors: (len(ids), dimension) float32, as `VectorIndex.vectors` gives them; None where
            the search was not asked for them.
    """

    ids: list[str]
    scores: Float32Array
    vectors: Float32Array | None = None


@runtime_checkable
class VectorIndex(Protocol):
    """Items by id, each with a vector, that can be searched while they change.

    After `upsert` or `delete` returns, every search in this process sees it; every replica
    does within a second.
    """

    metric: Metric
    dimension: int

    def __len__(self) -> int:
        """Items held."""
        ...

    def upsert(self, ids: Sequence[str], vectors: Float32Array) -> None:
        """Put or replace items: (n,) ids, (n, dimension) finite vectors; of equal ids the last."""
        ...

    def delete(self, ids: Sequence[str]) -> None:
        """Remove items; ids that are not held change nothing."""
        ...

    def search(
        self,
        queries: Float32Array,
        k: int,
        *,
        among: Sequence[str] | None = None,
        vectors: bool = False,
    ) -> list[Hits]:
        """The nearest `k` items to each of (n, dimension) queries, of those `among` if given.

        With `vectors` the items' own come with them, of the moment of the search.
        """
        ...

    def vectors(self, ids: Sequence[str]) -> Float32Array:
        """(n, dimension) float32, what each item was put with (cosine: of length 1); NaN: none."""
        ...

    def close(self) -> None:
        """Give memory, files or connections back."""
        ...

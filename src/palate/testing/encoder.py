"""An item encoder whose vectors are known: what the live catalogue is tested with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from palate.types import Float32Array

__all__ = ["FakeEncoder"]


class FakeEncoder:
    """An `ItemEncoder` that makes a vector out of an item's id, `make` and `price`.

    Its vectors are equal wherever it runs, differ between spaces, and change with the price. An
    item whose `price` is text is refused, and takes its whole batch with it, as real nets do; one
    whose price is infinite (such as `1e999`) gets a vector that is not finite.

    Args:
        space: The name of its space.
        dimension: Of vectors.
    """

    def __init__(self, space: str = "aaaa", dimension: int = 8) -> None:
        self.space = space
        self.dimension = dimension
        self.calls = 0
        self.broken = False

    def embed_items(
        self, ids: Sequence[str], attributes: Sequence[Mapping[str, Any]]
    ) -> Float32Array:
        """(n, dimension) float32; TypeError where a price is no number."""
        self.calls += 1
        if self.broken:
            raise RuntimeError("the net has lost its weights")
        rows = [self._row(one, known) for one, known in zip(ids, attributes, strict=True)]
        return np.stack(rows) if rows else np.empty((0, self.dimension), np.float32)

    def _row(self, item: str, attributes: Mapping[str, Any]) -> Float32Array:
        price = attributes.get("price")
        if price is not None and not isinstance(price, (int, float)):
            raise TypeError(f"the price of {item} is {price!r:.40}")
        named = f"{self.space} {item} {attributes.get('make')}"
        seed = int.from_bytes(blake2b(named.encode(), digest_size=8).digest(), "big")
        row = np.random.default_rng(seed).normal(size=self.dimension).astype(np.float32)
        row[0] = np.float32(0.0 if price is None else float(price) / 1000.0)
        return row

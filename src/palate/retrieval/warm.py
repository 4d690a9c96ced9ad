"""An index searched as requests do, before the first of them comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from palate.retrieval.index.base import VectorIndex
from palate.retrieval.index.local import LocalIndex

__all__ = ["warm_index"]

_KS: Final = (10, 500)


def warm_index(index: VectorIndex, sample: Sequence[str]) -> None:
    """Search as requests do, so that none waits for the compiler or for cold pages.

    Args:
        index: Nobody is answered from it yet.
        sample: Ids of items whose neighbours are looked for; one made-up query without any.
    """
    vectors = index.vectors(list(sample))
    queries = vectors[np.isfinite(vectors).all(axis=1)]
    if not len(queries):
        queries = np.zeros((1, index.dimension), np.float32)
    for k in _KS:
        index.search(queries, k, vectors=True)
    index.search(queries[:1], _KS[0], among=list(sample))
    if isinstance(index, LocalIndex):
        index.probe(queries[:1], _KS[0])

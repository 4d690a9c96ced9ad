"""Which items are nearest to a vector: the port, and the index in this process.

`base` says what an index does; `local` does it with int8 codes in lists around centroids
(`lists` finds and keeps rows, `clusters` makes centroids, `kernels` scan); `files` keeps it.
"""

from palate.retrieval.index.base import Hits, Metric, VectorIndex
from palate.retrieval.index.local import LocalIndex

__all__ = ["Hits", "LocalIndex", "Metric", "VectorIndex"]

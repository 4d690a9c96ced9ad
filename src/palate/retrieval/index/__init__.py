"""Which items are nearest to a vector: the port, and the index in this process.

`base` says what an index does; `local` does it with int8 codes in lists around centroids:
`lists` keeps rows in `arrays` (`region` is their memory), `names` knows which item is which row,
`masks` marks rows, `clusters` makes centroids, `reach` says how far to look, `searcher`
searches, `kernels` are its compiled loops. `files` keeps an index, `drift` says when it should
be built anew, and `rebuild` does that in another process.
"""

from palate.retrieval.index.base import Hits, Metric, VectorIndex
from palate.retrieval.index.local import LocalIndex
from palate.retrieval.index.masks import Filter, Mask

__all__ = ["Filter", "Hits", "LocalIndex", "Mask", "Metric", "VectorIndex"]

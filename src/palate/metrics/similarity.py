"""How alike items are: cosine over features or co-occurrence, or any function of two rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from scipy.sparse import csr_array

from palate.data.histories import Histories
from palate.errors import DataError
from palate.metrics.kernels.profiles import profile_products
from palate.types import Float64Array, FloatArray, Int32Array, Int64Array

__all__ = ["Cosine", "ItemSimilarity", "total_similarity"]

ItemSimilarity: TypeAlias = Callable[[Int32Array, Int32Array], FloatArray]
"""Called with two (n,) arrays of item rows; gives the (n,) similarity of each pair, at most 1."""

CHUNK_PAIRS = 1 << 20


class Cosine:
    """Cosine of the angle between rows of a sparse matrix; 0 where a row is empty.

    >>> features = csr_array(np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]]))
    >>> Cosine(features)(np.array([0, 0, 0]), np.array([0, 1, 2])).round(4).tolist()
    [1.0, 0.7071, 0.0]
    """

    def __init__(self, features: csr_array) -> None:
        """Take what describes the items.

        Args:
            features: (n_items, d) of any float; genres, TF-IDF weights, embeddings.

        Raises:
            DataError: A feature is NaN or infinite.
        """
        rows = csr_array(features.astype(np.float64))  # a copy: it is scaled in place
        rows.sum_duplicates()
        if not np.isfinite(rows.data).all():
            raise DataError("item features hold NaN or infinity")
        norms = np.sqrt(np.asarray((rows * rows).sum(axis=1)).ravel())
        lengths = np.diff(rows.indptr)
        rows.data /= np.repeat(np.where(norms > 0, norms, 1.0), lengths)
        self.rows = rows

    @classmethod
    def of_cooccurrence(cls, histories: Histories) -> Cosine:
        """Items are alike when the same users touched them: c(i, j) / sqrt(c(i) c(j)).

        c(i) is the number of users who touched i, c(i, j) of those who touched both: the
        cosine of the columns of the binary interaction matrix.

        Source: Zhang, Ó Séaghdha, Quercia and Jambor (2012), Auralist: introducing
        serendipity into music recommendation, WSDM.
        """
        return cls(csr_array(histories.matrix(binary=True).T))

    def __call__(self, left: Int32Array, right: Int32Array) -> Float64Array:
        """(n,) float64 cosine of the items in each pair of rows."""
        return np.asarray((self.rows[left] * self.rows[right]).sum(axis=1), np.float64).ravel()


def total_similarity(
    similarity: ItemSimilarity, items: Int32Array, indptr: Int64Array, members: Int32Array
) -> Float64Array:
    """How alike each item of a list is to all members of its user's group, added up.

    For cosines the members' vectors are added first, so that the cost grows with the group
    plus the list, not with their product.

    Args:
        similarity: A `Cosine`, or a function of two arrays of rows.
        items: (n_users, k) int32, -1 where nothing is.
        indptr: (n_users + 1,) int64; the group of user u is `members[indptr[u]:indptr[u + 1]]`.
        members: (n,) int32 item rows.

    Returns:
        (n_users, k) float64; 0 where nothing is.
    """
    if isinstance(similarity, Cosine):
        rows = similarity.rows
        products: Float64Array = profile_products(
            np.ascontiguousarray(items),
            indptr,
            members,
            rows.indptr.astype(np.int64),
            rows.indices.astype(np.int32),
            rows.data,
            rows.shape[1],
        )
        return products
    return _by_pairs(similarity, items, indptr, members)


def _by_pairs(
    similarity: ItemSimilarity, items: Int32Array, indptr: Int64Array, members: Int32Array
) -> Float64Array:
    """Every pair is asked for, a bounded number at a time."""
    n_users, k = items.shape
    sizes = np.diff(indptr)
    users, places = np.nonzero(items >= 0)
    out = np.zeros((n_users, k))
    ends = np.cumsum(sizes[users])
    start = 0
    while start < len(users):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + CHUNK_PAIRS, side="right")))
        user, place = users[start:stop], places[start:stop]
        size = sizes[user]
        offset = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        right = members[np.repeat(indptr[user], size) + offset]
        alike = np.asarray(similarity(np.repeat(items[user, place], size), right), np.float64)
        owner = np.repeat(np.arange(len(user)), size)
        out[user, place] = np.bincount(owner, weights=alike, minlength=len(user))
        start = stop
    return out

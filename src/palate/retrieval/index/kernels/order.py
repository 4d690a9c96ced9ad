"""What lists may score before a scan, and rows after it."""

from __future__ import annotations

import numba
import numpy as np

from palate.retrieval.index.kernels.codes import product

__all__ = ["list_scores", "pick", "row_scores"]


@numba.njit(cache=True, nogil=True)
def list_scores(query, step, centroids, biases, reach, distances):
    """What a good row of each list may score: (n_lists,) float32.

    The score of its centroid and, on top, `reach` times how far the products of the query with
    the list's rows spread around that.

    Args:
        query: (d,) float32; of a Euclidean search, twice the query.
        step: How far products of the query with rows of a list spread that spreads as usual; of
            a Euclidean search, the length of the query as it was given.
        centroids: (n_lists, d) float32.
        biases: (n_lists,) float32, added to products; of length 0: none.
        reach: (n_lists,) float32, in steps; of a Euclidean search, in units of length.
        distances: Whether scores are Euclidean.
    """
    n = centroids.shape[0]
    out = np.empty(n, np.float32)
    for one in range(n):
        near = product(query, centroids, one)
        if biases.shape[0]:
            near += biases[one]
        each = step
        if distances:  # -|q - c|^2 falls by 2 |q - c| a step towards c, not by |q|
            each = np.float32(2.0) * np.sqrt(max(step * step - near, np.float32(0.0)))
        out[one] = near + each * reach[one]
    return out


@numba.njit(cache=True, nogil=True)
def row_scores(query, vectors, biases, slots, alive):
    """What rows score by their float32 vectors.

    Args:
        query: (d,) float32.
        vectors: (n, d) float32.
        biases: (n,) float32, added to products; of length 0: none.
        slots: (m,) int32.
        alive: (n,) uint8.

    Returns:
        (m,) float32, and whether all of them are plainly alive.
    """
    scores = np.empty(slots.shape[0], np.float32)
    plain = True
    for at in range(slots.shape[0]):
        slot = slots[at]
        scores[at] = product(query, vectors, slot)
        if biases.shape[0]:
            scores[at] += biases[slot]
        plain = plain and alive[slot] == 1
    return scores, plain


@numba.njit(cache=True, nogil=True)
def pick(scores, slots, names, k):
    """The first `k` rows, no name twice.

    Args:
        scores: (m,) float32, falling.
        slots: (m,) int32.
        names: (n,) of each slot, equal where two rows are one item's.
        k: How many.

    Returns:
        Scores and slots of those picked.
    """
    size = 16
    while size < 2 * slots.shape[0]:
        size *= 2
    seen = np.full(size, -1, np.int64)
    kept_scores, kept = np.empty(k, np.float32), np.empty(k, np.int32)
    n = 0
    for at in range(slots.shape[0]):
        if n == k:
            break
        name = np.int64(names[slots[at]])
        place = (name * 2654435761) & (size - 1)
        while seen[place] >= 0 and seen[place] != name:
            place = (place + 1) & (size - 1)
        if seen[place] == name:
            continue
        seen[place] = name
        kept_scores[n], kept[n] = scores[at], slots[at]
        n += 1
    return kept_scores[:n], kept[:n]

"""A bounded heap of (score, item) with the worst on top: the core of every top-k here."""

from __future__ import annotations

import numba

__all__ = ["heap_push", "heap_sort"]


@numba.njit(cache=True, nogil=True, inline="always")
def _worse(score, item, a, b):
    """Lower score, or the same score and a later item."""
    return score[a] < score[b] or (score[a] == score[b] and item[a] > item[b])


@numba.njit(cache=True, nogil=True)
def _sift_down(heap_score, heap_item, at, size):
    while True:
        child = 2 * at + 1
        if child >= size:
            return
        right = child + 1
        if right < size and _worse(heap_score, heap_item, right, child):
            child = right
        if not _worse(heap_score, heap_item, child, at):
            return
        heap_score[at], heap_score[child] = heap_score[child], heap_score[at]
        heap_item[at], heap_item[child] = heap_item[child], heap_item[at]
        at = child


@numba.njit(cache=True, nogil=True)
def heap_push(heap_score, heap_item, size, score, item):
    """Offer one pair; the worst leaves when the heap is full. Returns the new size.

    Args:
        heap_score: (capacity,) float64, at least 1 long.
        heap_item: (capacity,) int32.
        size: Pairs held now.
        score: Not NaN.
        item: int64.
    """
    if size < heap_score.shape[0]:
        at = size
        heap_score[at] = score
        heap_item[at] = item
        while at > 0:
            parent = (at - 1) >> 1
            if not _worse(heap_score, heap_item, at, parent):
                break
            heap_score[at], heap_score[parent] = heap_score[parent], heap_score[at]
            heap_item[at], heap_item[parent] = heap_item[parent], heap_item[at]
            at = parent
        return size + 1
    if score > heap_score[0] or (score == heap_score[0] and item < heap_item[0]):
        heap_score[0] = score
        heap_item[0] = item
        _sift_down(heap_score, heap_item, 0, size)
    return size


@numba.njit(cache=True, nogil=True)
def heap_sort(heap_score, heap_item, size):
    """Order the first `size` pairs best first, ties by lowest item, in place."""
    for last in range(size - 1, 0, -1):
        heap_score[0], heap_score[last] = heap_score[last], heap_score[0]
        heap_item[0], heap_item[last] = heap_item[last], heap_item[0]
        _sift_down(heap_score, heap_item, 0, last)

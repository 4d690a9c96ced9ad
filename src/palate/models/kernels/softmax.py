"""Scores of rows become chances and the loss' gradient, while a row is in the processor's cache."""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.exponential import exponential, narrowed, widened

__all__ = ["chances_narrow", "chances_wide"]

ONE, NONE = np.float32(1.0), np.float32(-np.inf)
LOWEST, REST, SIGN = np.int32(-0x7FFFFFFF), np.int32(0x7FFFFFFF), np.int32(31)


@numba.njit(cache=True, nogil=True)
def _largest(row):
    """Of a row; NaN where one is.

    As whole numbers in the same order: a loop over those is compiled to sixteen comparisons at a
    time, one over floating-point numbers to one.
    """
    largest = LOWEST
    for at in range(len(row)):
        bits = np.float32(row[at]).view(np.int32)
        largest = max(largest, np.int32(bits ^ ((bits >> SIGN) & REST)))
    return np.int32(largest ^ ((largest >> SIGN) & REST)).view(np.float32)


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"}, error_model="numpy")
def _to_chances(row):
    """Softmax of a row, in place."""
    largest = _largest(row)
    total = np.float32(0)
    for at in range(len(row)):
        power = exponential(row[at] - largest)
        row[at] = power
        total += power
    share = ONE / total
    for at in range(len(row)):
        row[at] *= share


@numba.njit(cache=True, nogil=True)
def _finish(row, items, own, place, first):
    """From scores of columns, bias added, to the gradient; the chance of the row's own column.

    Args:
        row: (M + k,) float32: scores of the columns, then room for the further ones.
        items: (M,) int32.
        own: (k,) float32 further scores.
        place: Of the row's own column.
        first: Columns before this one are none but for the own.
    """
    item, kept, M = items[place], row[place], len(items)
    for at in range(M):
        row[at] = NONE if items[at] == item else row[at]
    for at in range(first):
        row[at] = NONE
    row[place] = kept
    for at in range(len(own)):
        row[M + at] = own[at]
    _to_chances(row)
    right = row[place]
    row[place] = right - ONE
    return right


@numba.njit(cache=True, nogil=True)
def chances_narrow(scores, fixed, own, start, right):
    """Softmax less one hot of some rows of bfloat16 scores, in place.

    Args:
        scores: (n, M) uint16, the bits of bfloat16 numbers; the gradient by them at the end.
        fixed: ((M,) float32 bias, (M,) int32 items, how many columns are none but for a row's
            own).
        own: (n, k) float32 further scores; the gradient by them at the end.
        start: Column of the first row's own item; those of the others follow.
        right: (n,) float32, to be filled with the chances of the rows' own columns.
    """
    bias, items, first = fixed
    n, M = scores.shape
    row = np.empty(M + own.shape[1], np.float32)
    for at in range(n):
        for column in range(M):
            row[column] = widened(scores[at, column]) + bias[column]
        right[at] = _finish(row, items, own[at], start + at, first)
        for column in range(M):
            scores[at, column] = narrowed(row[column])
        for column in range(own.shape[1]):
            own[at, column] = row[M + column]


@numba.njit(cache=True, nogil=True)
def chances_wide(scores, fixed, own, start, right):
    """As `chances_narrow`, of (n, M) float32 scores."""
    bias, items, first = fixed
    n, M = scores.shape
    row = np.empty(M + own.shape[1], np.float32)
    for at in range(n):
        for column in range(M):
            row[column] = scores[at, column] + bias[column]
        right[at] = _finish(row, items, own[at], start + at, first)
        for column in range(M):
            scores[at, column] = row[column]
        for column in range(own.shape[1]):
            own[at, column] = row[M + column]

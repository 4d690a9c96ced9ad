"""Item vectors of ALS moved by further users: one recursive least squares step each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palate.models.half_sweep import Rows
from palate.types import Float32Array

__all__ = ["Before", "moved_items"]

CHUNK = 256  # items solved at once


@dataclass(frozen=True, slots=True)
class Before:
    """What training left of its users.

    Attributes:
        gram: (f, f) float32 sum of x x' over all users.
        n_users: How many they were.
        item_counts: (n_items,) float32, users of each item.
    """

    gram: Float32Array
    n_users: int
    item_counts: Float32Array


def moved_items(
    y: Float32Array,
    rows: Rows,
    x: Float32Array,
    ridge: Float32Array,
    before: Before,
    *,
    alpha0: float,
) -> Float32Array:
    """A copy of `y` in which every item that the new users touched has moved.

    The old normal equations of item i are not kept. Their matrix is taken to be that of
    n_i average users, H_i = (alpha0 + n_i / N) X'X + lambda_i I, and their solution y_i, so
    that with the new users' D_i = alpha0 Z'Z + sum_e c_e z_e z_e'

        y_i  <-  y_i + (H_i + D_i)^-1 (sum_e c_e z_e  -  D_i y_i).

    Args:
        y: (n_items, f) float32.
        rows: The new pairs by item; `rows.items` are rows of `x`.
        x: (n_new, f) float32, the new users Z folded in.
        ridge: (n_items,) float32 lambda_i.
        before: What training left.
        alpha0: Weight of a cell that nobody touched.
    """
    moved = y.copy()
    touched = np.flatnonzero(rows.counts)
    x = x.astype(np.float64)
    all_new = alpha0 * (x.T @ x)
    identity = np.eye(y.shape[1])
    for start in range(0, len(touched), CHUNK):
        chunk = touched[start : start + CHUNK]
        new = np.empty((len(chunk), *all_new.shape))
        wanted = np.empty((len(chunk), y.shape[1]))
        for at, item in enumerate(chunk):
            entries = slice(rows.indptr[item], rows.indptr[item + 1])
            users, weights = x[rows.items[entries]], rows.weights[entries]
            new[at] = all_new + (users.T * weights) @ users
            wanted[at] = weights @ users - new[at] @ y[item]
        often = alpha0 + before.item_counts[chunk] / max(1, before.n_users)
        old = often[:, None, None] * before.gram + ridge[chunk, None, None] * identity
        moved[chunk] += np.linalg.solve(old + new, wanted[:, :, None])[:, :, 0].astype(np.float32)
    return moved

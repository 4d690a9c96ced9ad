"""Item vectors moved by further users: one recursive least squares step each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palate.errors import DataError
from palate.models.axes import gram_of, whole
from palate.models.half_sweep import ROWS, Rows
from palate.models.kernels.als_update import move_rows
from palate.models.threads import in_parts, thread_count
from palate.types import Float32Array

__all__ = ["Before", "moved_items"]


@dataclass(frozen=True, slots=True)
class Before:
    """What training left of those that it summed over, users or their ratings.

    Attributes:
        gram: (f, f) float32 sum of x x' over all of them; only its upper triangle counts.
        n: How many they were.
        item_counts: (n_items,) float32, how many each item had.
        ridge: (n_items,) float32 lambda_i as it was.
    """

    gram: Float32Array
    n: int
    item_counts: Float32Array
    ridge: Float32Array


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
    that with D_i = alpha0 Z'Z + sum_e c_e z_e z_e' + (lambda_i' - lambda_i) I of the new users

        y_i  <-  y_i + (H_i + D_i)^-1 (sum_e c_e t_e z_e  -  D_i y_i).

    Args:
        y: (n_items, f) float32.
        rows: The new pairs by item; `rows.items` are rows of `x`.
        x: (n_new, f) float32, the new users Z folded in.
        ridge: (n_items,) float32 lambda_i', with the new pairs counted.
        before: What training left.
        alpha0: Weight of a cell that nobody touched; 0 where such cells say nothing.

    Raises:
        DataError: The equations are singular in single precision.
    """
    moved = y.copy()
    often = (alpha0 + before.item_counts / max(1, before.n)).astype(np.float32)
    all_new = np.float32(alpha0) * whole(gram_of(x))
    given = (rows.indptr, rows.items, rows.weights, rows.targets)
    penalty = (ridge, ridge - before.ridge)
    failed: list[int] = []

    def part(start: int, stop: int) -> None:
        failed.append(move_rows(start, stop, given, x, all_new, before.gram, often, penalty, moved))

    in_parts(part, len(moved), ROWS, threads=thread_count())
    if sum(failed):
        raise DataError(
            f"{sum(failed)} items cannot be moved in single precision",
            hint="raise lambda_, or fit again",
        )
    return moved

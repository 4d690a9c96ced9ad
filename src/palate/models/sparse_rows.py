"""Rows of a sparse matrix, made block by block in several threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from palate.models.threads import in_parts, thread_count
from palate.types import FloatArray, Int32Array, Int64Array

__all__ = ["SparseRows", "in_blocks"]

SparseRows: TypeAlias = tuple[Int64Array, Int32Array, FloatArray]
"""rows (n + 1,) int64, where each starts; columns (nnz,) int32; values (nnz,) float."""


def in_blocks(block: Callable[[int, int], SparseRows], n: int, step: int) -> SparseRows:
    """Rows 0 to `n`, at least one, of which `block(start, stop)` gives some.

    The result does not depend on the number of threads.
    """
    parts: dict[int, SparseRows] = {}

    def part(start: int, stop: int) -> None:
        parts[start] = block(start, stop)

    in_parts(part, n, step, threads=thread_count())
    done = [parts[start] for start in sorted(parts)]
    lengths = np.concatenate([np.diff(rows) for rows, _, _ in done])
    return (
        np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        np.concatenate([columns for _, columns, _ in done]),
        np.concatenate([values for _, _, values in done]),
    )

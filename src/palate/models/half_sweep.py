"""One side of alternating least squares: every row solved while the other side stands still."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.sparse import csr_array

from palate.errors import DataError
from palate.models.kernels.als import solve_rows
from palate.models.kernels.als_block import improve_rows_block
from palate.models.kernels.als_cg import improve_rows_cg
from palate.models.threads import in_parts, thread_count
from palate.types import Float32Array, Int32Array, Int64Array

__all__ = ["Rows", "Solver", "improve_rows", "principal_axes", "solve"]

Solver: TypeAlias = Literal["cholesky", "cg", "block"]
ROWS = 128  # that a thread takes at once


@dataclass(frozen=True, slots=True)
class Rows:
    """The entries of one side.

    Attributes:
        indptr: (n + 1,) int64; row r owns entries `indptr[r]:indptr[r + 1]`.
        items: (m,) int32 rows of the other side.
        weights: (m,) float32 c, above 0.
        targets: (m,) float32 t.
    """

    indptr: Int64Array
    items: Int32Array
    weights: Float32Array
    targets: Float32Array

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @classmethod
    def of(cls, indptr: np.ndarray, items: Int32Array, weights: np.ndarray) -> Rows:
        """All targets 1."""
        return cls(
            indptr.astype(np.int64),
            items,
            weights.astype(np.float32),
            np.ones(len(items), np.float32),
        )

    def shifted(self, by: float) -> Rows:
        """The same with `by` added to every target."""
        return Rows(self.indptr, self.items, self.weights, self.targets + np.float32(by))

    def transposed(self, n_others: int) -> Rows:
        """The same entries by the other side."""
        shape = (len(self), n_others)
        # The position of each entry, from 1 since 0 would be no entry of a sparse matrix.
        places = np.arange(1, len(self.items) + 1)
        columns = csr_array((places, self.items, self.indptr), shape=shape).tocsc()
        order = columns.data - 1
        return Rows(
            columns.indptr.astype(np.int64),
            columns.indices.astype(np.int32),
            self.weights[order],
            self.targets[order],
        )

    @property
    def counts(self) -> Int64Array:
        """(n,) int64 entries of each row."""
        return np.diff(self.indptr)


def solve(
    rows: Rows, factors: Float32Array, diagonal: Float32Array, ridge: Float32Array
) -> Float32Array:
    """(n, f) float32, the exact solution of every row; 0 where a row has no entries.

    Args:
        rows: n of them.
        factors: (n_others, f) float32, the side that stands still.
        diagonal: (f,) float32, what all cells together add to the normal equations.
        ridge: (n,) float32, above 0, what regularisation adds.

    Raises:
        DataError: The equations are singular in single precision.
    """
    out = np.empty((len(rows), factors.shape[1]), np.float32)
    other = (rows.items, rows.weights, rows.targets, factors)
    failed: list[int] = []

    def part(start: int, stop: int) -> None:
        failed.append(solve_rows(start, stop, rows.indptr, other, diagonal, ridge, out[start:stop]))

    in_parts(part, len(rows), ROWS, threads=thread_count())
    _check(sum(failed), len(rows))
    return out


def improve_rows(
    rows: Rows,
    factors: Float32Array,
    penalty: tuple[Float32Array, Float32Array],
    start_from: Float32Array,
    *,
    solver: Literal["cg", "block"],
    size: int,
) -> None:
    """Move `start_from`, (n, f) float32, in place towards what `solve` gives.

    Args:
        rows: n of them.
        factors: (n_others, f) float32, the side that stands still.
        penalty: `diagonal` and `ridge` of `solve`.
        start_from: Where the rows are now.
        solver: Conjugate gradients, or blocks of factors.
        size: Steps of the former; factors of a block of the latter.

    Raises:
        DataError: The equations are singular in single precision.
    """
    other = (rows.items, rows.weights, rows.targets, factors)
    diagonal, ridge = penalty
    size = min(size, factors.shape[1])
    failed: list[int] = []

    def part(start: int, stop: int) -> None:
        out = start_from[start:stop]
        if solver == "cg":
            improve_rows_cg(start, stop, rows.indptr, other, diagonal, ridge, out, size)
        else:
            failed.append(
                improve_rows_block(start, stop, rows.indptr, other, diagonal, ridge, out, size)
            )

    in_parts(part, len(rows), ROWS, threads=thread_count())
    _check(sum(failed), len(rows))


def principal_axes(factors: Float32Array) -> tuple[Float32Array, Float32Array]:
    """The rotation (f, f) float32 after which F'F is diagonal, and that diagonal (f,)."""
    gram = factors.T.astype(np.float64) @ factors
    values, vectors = np.linalg.eigh(gram)
    return vectors.astype(np.float32), np.maximum(values, 0.0).astype(np.float32)


def _check(failed: int, n: int) -> None:
    if failed:
        raise DataError(
            f"{failed} of {n} rows of a half-sweep cannot be solved in single precision",
            hint="raise lambda_, or lower the weights of the events",
        )

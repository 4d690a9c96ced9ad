"""One side of alternating least squares: every row solved while the other side stands still."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from palate.errors import DataError
from palate.models.kernels.als import solve_rows
from palate.models.kernels.als_block import improve_rows_block
from palate.models.kernels.als_cg import improve_rows_cg
from palate.models.kernels.transpose import transpose
from palate.models.threads import in_parts, thread_count
from palate.types import Float32Array, Int32Array, Int64Array

__all__ = ["ROWS", "Penalty", "Rows", "improve_by_blocks", "improve_by_gradients", "solve"]

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
    def of(cls, indptr: Int64Array, items: Int32Array, weights: np.ndarray) -> Rows:
        """All targets 1."""
        return cls(indptr, items, weights.astype(np.float32), np.ones(len(items), np.float32))

    def shifted(self, by: float | Float32Array) -> Rows:
        """The same with `by`, one number or (m,), added to the targets."""
        targets = (self.targets + by).astype(np.float32)
        return Rows(self.indptr, self.items, self.weights, targets)

    def transposed(self, n_others: int) -> Rows:
        """The same entries by the other side."""
        given = (self.indptr, self.items, self.weights, self.targets)
        return Rows(*transpose(*given, n_others))

    @property
    def counts(self) -> Int64Array:
        """(n,) int64 entries of each row."""
        return np.diff(self.indptr)


@dataclass(frozen=True, slots=True)
class Penalty:
    """What a row's normal equations have on the diagonal beside its entries.

    Attributes:
        diagonal: (f,) float32, at least 0: what all cells of the other side add.
        ridge: (n,) float32, above 0: what regularisation adds to each row.
    """

    diagonal: Float32Array
    ridge: Float32Array


def solve(
    rows: Rows, factors: Float32Array, penalty: Penalty, *, threads: int | None = None
) -> Float32Array:
    """(n, f) float32, the exact solution of every row; 0 where a row has no entries.

    Args:
        rows: n of them.
        factors: (n_others, f) float32, the side that stands still; f is a multiple of 16.
        penalty: Of n rows.
        threads: All by default; 1 where the caller is one of several.

    Raises:
        DataError: The equations are singular in single precision.
    """
    out = np.empty((len(rows), factors.shape[1]), np.float32)
    other = (rows.items, rows.weights, rows.targets, factors)

    def part(start: int, stop: int) -> int:
        found: int = solve_rows(
            start, stop, rows.indptr, other, penalty.diagonal, penalty.ridge, out[start:stop]
        )
        return found

    _in_threads(part, len(rows), thread_count() if threads is None else threads)
    return out


def improve_by_gradients(
    rows: Rows,
    factors: Float32Array,
    penalty: Penalty,
    found: Float32Array,
    *,
    typical: Float32Array,
    steps: int,
) -> None:
    """Move `found`, (n, f), in place towards what `solve` gives, by conjugate gradients.

    Args as in `solve`, and `typical`, (f,) float32, the mean square of each factor.
    """
    other = (rows.items, rows.weights, rows.targets, factors)
    diagonal, ridge = penalty.diagonal, penalty.ridge

    def part(start: int, stop: int) -> int:
        some = found[start:stop]
        improve_rows_cg(start, stop, rows.indptr, other, diagonal, ridge, typical, steps, some)
        return 0

    _in_threads(part, len(rows), thread_count())


def improve_by_blocks(
    rows: Rows, factors: Float32Array, penalty: Penalty, found: Float32Array, *, size: int
) -> None:
    """Move `found`, (n, f), in place towards what `solve` gives, each block of factors once.

    Args as in `solve`, and the `size` of a block, a multiple of 16.

    Raises:
        DataError: The equations are singular in single precision.
    """
    size = min(size, factors.shape[1])
    other = (rows.items, rows.weights, rows.targets, factors)
    diagonal, ridge = penalty.diagonal, penalty.ridge

    def part(start: int, stop: int) -> int:
        some = found[start:stop]
        failed: int = improve_rows_block(
            start, stop, rows.indptr, other, diagonal, ridge, size, some
        )
        return failed

    _in_threads(part, len(rows), thread_count())


def _in_threads(part: Callable[[int, int], int], n: int, threads: int) -> None:
    """Call `part` for all rows; it tells how many systems it could not solve."""
    failed: list[int] = []
    in_parts(lambda a, b: failed.append(part(a, b)), n, ROWS, threads=threads)
    if sum(failed):
        raise DataError(
            f"{sum(failed)} of {n} rows of a half-sweep cannot be solved in single precision",
            hint="raise lambda_, or lower the weights of the events",
        )

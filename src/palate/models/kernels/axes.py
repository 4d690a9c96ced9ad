"""Gram matrices and their principal axes, compiled: eigenvectors by one-sided Jacobi rotations.

Source: Hestenes 1958; Demmel and Veselic 1992, "Jacobi's method is more accurate than QR",
SIAM J. Matrix Anal. 13(4), algorithm 4.1 (rotate the columns of a Cholesky factor).
"""

from __future__ import annotations

import math

import numba
import numpy as np

from palate.models.kernels.cholesky import cholesky
from palate.models.kernels.lanes import LANES, load, multiply_add, splat, store, total
from palate.models.kernels.tiles import add_outer

__all__ = ["gram", "rotate_to_axes"]

SWEEPS = 30  # ten are enough but for invented matrices
TINY = np.float32(1e-7)


@numba.njit(cache=True, nogil=True)
def gram(factors, out):
    """Set the upper triangle of out, (f, f) float32, to F'F of factors (n, f), f of 16."""
    out[:] = 0
    step = 256  # rows a pass; their sum is added to the others', which keeps digits
    for start in range(0, factors.shape[0], step):
        part = factors[start : start + step]
        add_outer(out, factors.shape[1], part, part, part.shape[0])


@numba.njit(cache=True, nogil=True)
def _three_sums(B, p, q):
    pp = qq = pq = splat(np.float32(0))
    for k in range(0, B.shape[1], LANES):
        a, b = load(B, p, k), load(B, q, k)
        pp, qq, pq = multiply_add(a, a, pp), multiply_add(b, b, qq), multiply_add(a, b, pq)
    return total(pp), total(qq), total(pq)


@numba.njit(cache=True, nogil=True)
def _rotate(B, p, q, cosine, sine):
    c, s, minus, zero = splat(cosine), splat(sine), splat(-sine), splat(np.float32(0))
    for k in range(0, B.shape[1], LANES):
        a, b = load(B, p, k), load(B, q, k)
        store(B, p, k, multiply_add(c, a, multiply_add(minus, b, zero)))
        store(B, q, k, multiply_add(s, a, multiply_add(c, b, zero)))


@numba.njit(cache=True, nogil=True)
def rotate_to_axes(G, axes, lengths):
    """Principal axes of a positive semidefinite matrix.

    Args:
        G: (f, f) float32, its upper triangle; overwritten. f is a multiple of 16.
        axes: (f, f) float32; a row becomes an axis: axes G axes' is diagonal.
        lengths: (f,) float32; becomes that diagonal.
    """
    f = G.shape[0]
    largest = np.float32(0)
    for k in range(f):
        largest = max(largest, G[k, k])
    for k in range(f):
        axes[k, :] = 0
        axes[k, k] = 1
        G[k, k] += largest * TINY + np.float32(1e-30)
    cholesky(G, f)
    B = np.zeros((f, f), np.float32)  # row k is column k of U: G = U'U
    for i in range(f):
        for k in range(i, f):
            B[k, i] = G[i, k]
    for _ in range(SWEEPS):
        turned = False
        for p in range(f - 1):
            for q in range(p + 1, f):
                pp, qq, pq = _three_sums(B, p, q)
                if not pq * pq > TINY * TINY * 100 * pp * qq:
                    continue
                turned = True
                zeta = (qq - pp) / (2 * pq)
                tangent = 1 / (abs(zeta) + math.sqrt(1 + zeta * zeta))
                if zeta < 0:
                    tangent = -tangent
                cosine = 1 / math.sqrt(1 + tangent * tangent)
                _rotate(B, p, q, np.float32(cosine), np.float32(cosine * tangent))
                _rotate(axes, p, q, np.float32(cosine), np.float32(cosine * tangent))
        if not turned:
            break
    for k in range(f):
        lengths[k], _, _ = _three_sums(B, k, k)

"""Factorisation machines over sparse rows, compiled: scores, and one pass of learning."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["fm_epoch", "fm_scores"]


@numba.njit(cache=True, nogil=True)
def fm_scores(rows, bias, w, v, out):
    """Set out[r] to w0 + sum w_i x_i + sum over pairs <v_i, v_j> x_i x_j, in O(k nnz).

    Args:
        rows: indptr (n + 1,) int64, indices (nnz,) int32, weights (nnz,) float32.
        bias: w0, float64.
        w: (n_features,) float32.
        v: (n_features, k) float32; k may be 0.
        out: (n,) float64.
    """
    sums = np.empty(v.shape[1], np.float32)
    for r in range(len(out)):
        out[r] = bias + _pull(rows, r, w, v, sums)


@numba.njit(cache=True, nogil=True)
def fm_epoch(order, rows, targets, bias, w, v, squares, rates, click):
    """One pass of AdaGrad over the rows in `order`; the parameters change in place.

    Args:
        order: (m,) int64 rows.
        rows: As in `fm_scores`.
        targets: (n,) float32; 0 or 1 where `click`.
        bias: (1,) float64.
        w: As in `fm_scores`.
        v: As in `fm_scores`.
        squares: Sums of squared gradients, shaped as bias, w and v.
        rates: eta, lambda_w, lambda_v, float32.
        click: Logistic loss, else half the squared error.
    """
    indptr, indices, weights = rows
    of_bias, of_w, of_v = squares
    eta, decay_w, decay_v = rates
    k = v.shape[1]
    sums = np.empty(k, np.float32)
    for r in order:
        y = bias[0] + _pull(rows, r, w, v, sums)
        if click:
            y = 1.0 / (1.0 + np.exp(-y))
        error = np.float32(y - targets[r])
        of_bias[0] += error * error
        bias[0] -= eta * error / np.sqrt(of_bias[0])
        for e in range(indptr[r], indptr[r + 1]):
            i, x = indices[e], weights[e]
            step = error * x
            g = step + decay_w * w[i]
            of_w[i] += g * g
            w[i] -= eta * g / np.sqrt(of_w[i])
            for f in range(k):
                g = step * (sums[f] - v[i, f] * x) + decay_v * v[i, f]
                of_v[i, f] += g * g
                v[i, f] -= eta * g / np.sqrt(of_v[i, f])


@numba.njit(cache=True, nogil=True)
def _pull(rows, r, w, v, sums):
    """Linear and pairwise terms of row r; leaves sum_i v_if x_i in `sums`, (k,)."""
    indptr, indices, weights = rows
    linear = np.float32(0)
    own = np.float32(0)
    sums[:] = 0
    for e in range(indptr[r], indptr[r + 1]):
        i, x = indices[e], weights[e]
        linear += w[i] * x
        for f in range(v.shape[1]):
            term = v[i, f] * x
            sums[f] += term
            own += term * term
    both = np.float32(0)
    for f in range(v.shape[1]):
        both += sums[f] * sums[f]
    return linear + np.float32(0.5) * (both - own)

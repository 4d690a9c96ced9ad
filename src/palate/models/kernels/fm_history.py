"""A factorisation machine of histories and items, compiled: one pass of learning."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["fm_history_epoch"]


@numba.njit(cache=True, nogil=True)
def fm_history_epoch(users, histories, drawn, rows, parameters, squares, rates, alpha):
    """One pass of AdaGrad over all pairs of `users`, each with negatives; changes in place.

    The factors of a history move once a user, by the gradients of all that user's rows; those
    of the items move at every row. Where the row is an item of the history, the history
    counts without it.

    Args:
        users: (m,) int64 rows of `histories`, in the order to be learned from.
        histories: indptr (n_users + 1,) int64, items (nnz,) int32, without repeats.
        drawn: (nnz, negatives) int32 items for each pair; those in the history are skipped.
        rows: Items as indptr (n_items + 1,) int64, indices int32, weights float32.
        parameters: bias (1,) float64, w (n_features,), v (n_features, k), y (n_items, k) float32.
        squares: Sums of squared gradients, shaped like the parameters.
        rates: eta, lambda_w, lambda_v, float32.
        alpha: A history of n items weighs each n^-alpha.
    """
    indptr, items = histories
    y, of_y = parameters[3], squares[3]
    eta, _, decay = rates
    k = y.shape[1]
    stamp = np.full(len(y), -1, np.int64)
    total = np.empty(k, np.float32)
    pull = np.empty(k, np.float32)
    for u in users:
        first, last = indptr[u], indptr[u + 1]
        n = last - first
        total[:] = 0
        for e in range(first, last):
            stamp[items[e]] = u
            for f in range(k):
                total[f] += y[items[e], f]
        push = np.zeros(k, np.float32)  # gradient of the sum of the history's factors
        own = np.zeros((n, k), np.float32)  # the part of it that is not an item's own
        full = np.float32(n ** (-alpha))
        less = np.float32((n - 1) ** (-alpha)) if n > 1 else np.float32(0)
        for e in range(first, last):
            item = items[e]
            for f in range(k):
                pull[f] = (total[f] - y[item, f]) * less
            _learn(item, 1.0, pull, less, rows, parameters, squares, rates, own[e - first])
            for f in range(k):
                push[f] += own[e - first, f]
            for other in drawn[e]:
                if stamp[other] != u:
                    for f in range(k):
                        pull[f] = total[f] * full
                    _learn(other, 0.0, pull, full, rows, parameters, squares, rates, push)
        for e in range(first, last):
            for f in range(k):
                at = items[e]
                g = push[f] - own[e - first, f] + decay * y[at, f]
                of_y[at, f] += g * g
                y[at, f] -= eta * g / np.sqrt(of_y[at, f])


@numba.njit(cache=True, nogil=True)
def _learn(item, label, pull, share, rows, parameters, squares, rates, push):
    """One row of log loss: the item's side moves, the history's gradient is added to `push`."""
    indptr, indices, weights = rows
    bias, w, v, _ = parameters
    of_bias, of_w, of_v, _ = squares
    eta, decay_w, decay_v = rates
    score = bias[0]
    first, last = indptr[item], indptr[item + 1]
    for e in range(first, last):
        i, x = indices[e], weights[e]
        inner = w[i]
        for f in range(len(pull)):
            inner += v[i, f] * pull[f]
        score += x * inner
    error = np.float32(1.0 / (1.0 + np.exp(-score)) - label)
    of_bias[0] += error * error
    bias[0] -= eta * error / np.sqrt(of_bias[0])
    for e in range(first, last):
        i, x = indices[e], weights[e]
        step = error * x
        g = step + decay_w * w[i]
        of_w[i] += g * g
        w[i] -= eta * g / np.sqrt(of_w[i])
        for f in range(len(pull)):
            push[f] += step * share * v[i, f]
            g = step * pull[f] + decay_v * v[i, f]
            of_v[i, f] += g * g
            v[i, f] -= eta * g / np.sqrt(of_v[i, f])

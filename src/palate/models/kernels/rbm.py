"""Softmax units of a restricted Boltzmann machine, over the items that were rated, compiled."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["hidden_chances", "softmax_contrast", "softmax_gradient"]


@numba.njit(cache=True, nogil=True, inline="always")
def _logistic(x):
    """In place, 1 / (1 + exp(-x))."""
    for f in range(x.shape[0]):
        x[f] = np.float32(1.0) / (np.float32(1.0) + np.exp(-x[f]))


@numba.njit(cache=True, nogil=True)
def hidden_chances(indptr, items, levels, weights, bias, out):
    """Set out[u, f] to p(h_f = 1 | ratings of u).

    Args:
        indptr: (n + 1,) int64.
        items: (m,) int32.
        levels: (m,) int32, which rating.
        weights: (n_items, n_levels, F) float32.
        bias: (F,) float32.
        out: (n, F) float32; its content does not matter.
    """
    for u in range(out.shape[0]):
        row = out[u]
        row[:] = bias
        for e in range(indptr[u], indptr[u + 1]):
            weight = weights[items[e], levels[e]]
            for f in range(row.shape[0]):
                row[f] += weight[f]
        _logistic(row)


@numba.njit(cache=True, nogil=True, inline="always")
def _rating_chances(weight, bias, hidden, out):
    """Set out[r] to p(rating r | hidden) of one item: weight (n_levels, F), bias (n_levels,)."""
    top = np.float32(-np.inf)
    for r in range(out.shape[0]):
        total = bias[r]
        for f in range(hidden.shape[0]):
            total += weight[r, f] * hidden[f]
        out[r] = total
        top = max(top, total)
    whole = np.float32(0.0)
    for r in range(out.shape[0]):
        out[r] = np.exp(out[r] - top)
        whole += out[r]
    for r in range(out.shape[0]):
        out[r] /= whole


@numba.njit(cache=True, nogil=True)
def softmax_contrast(start, stop, ratings, layer, drawn, out):
    """T steps down and up for each user: binary hidden states, chances of the ratings.

    Args:
        start: First user.
        stop: User after the last.
        ratings: indptr (n + 1,) int64 and items (m,) int32.
        layer: weights (n_items, n_levels, F), rating bias (n_items, n_levels), hidden bias
            (F,), float32.
        drawn: (T, n, F) float32 uniform numbers below 1.
        out: hidden chances at the data (n, F), given; rating chances (m, n_levels) and hidden
            chances (n, F) after the last step, to be set; float32.
    """
    indptr, items = ratings
    weights, rating_bias, hidden_bias = layer
    first, chances, last = out
    state = np.empty(hidden_bias.shape[0], np.float32)
    for u in range(start, stop):
        row = last[u]
        row[:] = first[u]
        for t in range(drawn.shape[0]):
            for f in range(state.shape[0]):
                state[f] = np.float32(1.0) if drawn[t, u, f] < row[f] else np.float32(0.0)
            row[:] = hidden_bias
            for e in range(indptr[u], indptr[u + 1]):
                weight, chance = weights[items[e]], chances[e]
                _rating_chances(weight, rating_bias[items[e]], state, chance)
                for r in range(chance.shape[0]):
                    for f in range(row.shape[0]):
                        row[f] += chance[r] * weight[r, f]
            _logistic(row)


@numba.njit(cache=True, nogil=True)
def softmax_gradient(indptr, items, levels, chances, hidden, out):
    """Add, for each rating, what the data say less what the machine dreams.

    Args:
        indptr: (n + 1,) int64.
        items: (m,) int32.
        levels: (m,) int32.
        chances: (m, n_levels) float32 after the last step.
        hidden: First and last chances, (n, F) float32 each.
        out: (n_items, n_levels, F) and (n_items, n_levels) float32, added to.
    """
    first, last = hidden
    weights, bias = out
    for u in range(indptr.shape[0] - 1):
        for e in range(indptr[u], indptr[u + 1]):
            i, level = items[e], levels[e]
            bias[i, level] += np.float32(1.0)
            for f in range(first.shape[1]):
                weights[i, level, f] += first[u, f]
            for r in range(chances.shape[1]):
                chance = chances[e, r]
                bias[i, r] -= chance
                for f in range(last.shape[1]):
                    weights[i, r, f] -= chance * last[u, f]

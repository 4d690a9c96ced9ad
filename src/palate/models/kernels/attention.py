"""Weighed means of rows of a table that stay as they are, and gradients by what weighs them.

    w_hk = softmax_k( q_h . v_k + t_hk ),   p_h = sum_k w_hk v_k,   s = sum_h g_h * p_h

over a user's newest items k. A user's rows are gathered from the table as they are due, and stay in
the first cache with all that is made of them; nothing else is written but the sums.

Source: Vaswani et al. 2017, "Attention is all you need", NIPS, section 3.2.2 (heads).
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import extending, types

from palate.models.kernels.exponential import exponential, widened
from palate.models.kernels.lanes import (
    LANES,
    load,
    multiply_add,
    splat,
    store,
    store_four_totals,
)

__all__ = ["HEADS", "attend", "attend_back"]

HEADS = 4  # at a time; there are a multiple of so many
ZERO, ONE, LOWEST = np.float32(0), np.float32(1), np.float32(-np.inf)


@numba.njit(cache=True, nogil=True)
def attend(table, rows, weighing, weights, found):
    """Pool the newest items of each user; of nobody's, zeros.

    Args:
        table: (n, d) float32, or uint16, the bits of bfloat16 numbers.
        rows: (B, m) int64 rows of the table; below 0 for none.
        weighing: queries (H, D), places (m, H) and gates (H, D), float32; H is a multiple of
            HEADS, D the multiple of LANES at or above d, filled up with zeros.
        weights: (B * m, H) float32, to be filled with w of the items there, in their order.
        found: pooled (B * H, D) and gated sums (B, D), float32, to be filled.
    """
    queries, places, gates = weighing
    pooled, gated = found
    B, m = rows.shape
    H, D = queries.shape
    own, at = np.zeros((m, D), np.float32), np.empty(m, np.int64)
    for user in range(B):
        n, base = _gathered(table, rows, user, own, at), user * m
        _products(own, n, (queries, 0), (weights, base))
        _softmax(weights, base, at[:n], places)
        _sums(own, n, (weights, base), (pooled, user * H))
        for c in range(0, D, LANES):
            total = splat(ZERO)
            for h in range(H):
                total = multiply_add(load(pooled, user * H + h, c), load(gates, h, c), total)
            store(gated, user, c, total)


@numba.njit(cache=True, nogil=True)
def attend_back(table, rows, weighing, kept, given, gradients):
    """Gradients by queries, places and gates.

    Args:
        table: As in `attend`.
        rows: As in `attend`.
        weighing: As in `attend`.
        kept: weights and pooled, as `attend` filled them.
        given: Gradients by pooled (B * H, D), changed, and by the gated sums (B, D), float32.
        gradients: Of the shapes of `weighing`, zeros, to be filled.
    """
    H, D = weighing[0].shape
    gates = weighing[2]
    weights, pooled = kept
    by_pooled, by_gated = given
    by_queries, by_places, by_gates = gradients
    B, m = rows.shape
    own, at = np.zeros((m, D), np.float32), np.empty(m, np.int64)
    slopes = np.empty((m, H), np.float32)
    for user in range(B):
        n = _gathered(table, rows, user, own, at)
        if not n:
            continue
        first = user * H
        for c in range(0, D, LANES):
            sums = load(by_gated, user, c)
            for h in range(H):
                by_gate = multiply_add(sums, load(pooled, first + h, c), load(by_gates, h, c))
                store(by_gates, h, c, by_gate)
                whole = multiply_add(sums, load(gates, h, c), load(by_pooled, first + h, c))
                store(by_pooled, first + h, c, whole)
        _products(own, n, (by_pooled, first), (slopes, 0))
        _softmax_back(weights, user * m, n, slopes)
        for k in range(n):
            for h in range(H):
                by_places[at[k], h] += slopes[k, h]
        _add_sums(own, n, slopes, by_queries)


def _number(x: Any) -> Any:
    """The float32 of a table's number."""
    return x


@extending.overload(_number, inline="always")
def _number_of_kind(x):
    return (lambda x: widened(x)) if x == types.uint16 else (lambda x: x)


@numba.njit(cache=True, nogil=True)
def _gathered(table, rows, user, own, at):
    """How many items a user has: the rows of `own` filled with them, and `at` with their places."""
    n = 0
    for place in range(rows.shape[1]):
        row = rows[user, place]
        if row >= 0:
            for column in range(table.shape[1]):
                own[n, column] = _number(table[row, column])
            at[n] = place
            n += 1
    return n


@numba.njit(cache=True, nogil=True)
def _products(own, n, factors, out):
    """out[0][out[1] + k, h] = factors[0][factors[1] + h] . v_k of the items there."""
    by, first = factors
    into, base = out
    zero = splat(ZERO)
    for k in range(n):
        for h in range(0, into.shape[1], HEADS):
            a, b, c, d = zero, zero, zero, zero
            one = first + h
            for column in range(0, own.shape[1], LANES):
                v = load(own, k, column)
                a = multiply_add(load(by, one, column), v, a)
                b = multiply_add(load(by, one + 1, column), v, b)
                c = multiply_add(load(by, one + 2, column), v, c)
                d = multiply_add(load(by, one + 3, column), v, d)
            store_four_totals(into, base + k, h, a, b, c, d)


@numba.njit(cache=True, nogil=True)
def _sums(own, n, weights, out):
    """out[0][out[1] + h] = sum of v by the weights of head h."""
    by, base = weights
    into, first = out
    zero = splat(ZERO)
    for h in range(0, by.shape[1], HEADS):
        for column in range(0, own.shape[1], LANES):
            a, b, c, d = zero, zero, zero, zero
            for k in range(n):
                v, place = load(own, k, column), base + k
                a = multiply_add(splat(by[place, h]), v, a)
                b = multiply_add(splat(by[place, h + 1]), v, b)
                c = multiply_add(splat(by[place, h + 2]), v, c)
                d = multiply_add(splat(by[place, h + 3]), v, d)
            store(into, first + h, column, a)
            store(into, first + h + 1, column, b)
            store(into, first + h + 2, column, c)
            store(into, first + h + 3, column, d)


@numba.njit(cache=True, nogil=True)
def _add_sums(own, n, weights, into):
    """As `_sums`, added to what stands in `into`, (H, d)."""
    for h in range(0, weights.shape[1], HEADS):
        for column in range(0, own.shape[1], LANES):
            a, b = load(into, h, column), load(into, h + 1, column)
            c, d = load(into, h + 2, column), load(into, h + 3, column)
            for k in range(n):
                v = load(own, k, column)
                a = multiply_add(splat(weights[k, h]), v, a)
                b = multiply_add(splat(weights[k, h + 1]), v, b)
                c = multiply_add(splat(weights[k, h + 2]), v, c)
                d = multiply_add(splat(weights[k, h + 3]), v, d)
            store(into, h, column, a)
            store(into, h + 1, column, b)
            store(into, h + 2, column, c)
            store(into, h + 3, column, d)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _softmax(logits, base, at, places):
    """Of the logits of those there, places added, in place."""
    n, H = len(at), logits.shape[1]
    for k in range(n):
        for h in range(H):
            logits[base + k, h] += places[at[k], h]
    for h in range(H):
        largest = LOWEST
        for k in range(n):
            one = logits[base + k, h]
            largest = one if one > largest else largest
        for k in range(n):
            logits[base + k, h] -= largest
    flat = logits[base : base + n].reshape(n * H)
    for i in range(len(flat)):
        flat[i] = exponential(flat[i])
    for h in range(H):
        total = ZERO
        for k in range(n):
            total += logits[base + k, h]
        share = ONE / total
        for k in range(n):
            logits[base + k, h] *= share


@numba.njit(cache=True, nogil=True)
def _softmax_back(weights, base, n, slopes):
    """From gradients by weights to those by logits, in place."""
    for h in range(slopes.shape[1]):
        mean = ZERO
        for k in range(n):
            mean += weights[base + k, h] * slopes[k, h]
        for k in range(n):
            slopes[k, h] = weights[base + k, h] * (slopes[k, h] - mean)

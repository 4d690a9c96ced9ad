"""Histories to profiles, compiled: event by event, each vector before the event that follows."""

from __future__ import annotations

import math

import numba
import numpy as np

from palate.features.profile.kernels.believe import believe

__all__ = ["replay"]

MOST_HALVINGS = 64.0  # as in `statistics`


@numba.njit(cache=True, nogil=True)
def _take_in(kept, item, share, evidence, places, others):
    """Add what an item says, weighing `share`, to `kept`, (size,) float64."""
    value_indptr, values, shares, numbers = evidence
    for at in range(value_indptr[item], value_indptr[item + 1]):
        place, other = places[values[at]], others[values[at]]
        if other < 0:  # an attribute that the prior does not know
            continue
        part = share * shares[at]
        kept[place] += part
        kept[other + 1] += part
    for j in range(numbers.shape[1]):
        first, number = others[places.shape[0] + j], numbers[item, j]
        if first < 0 or math.isnan(number) or share <= 0.0:
            continue
        n = kept[first] + share
        apart = number - kept[first + 1]
        kept[first + 2] += apart * apart * kept[first] * (share / n)
        kept[first + 1] += apart * (share / n)
        kept[first] = n


@numba.njit(cache=True, nogil=True)
def _scale(kept, factor, categories, numbers):
    for c in range(categories.shape[0]):
        for place in range(categories[c, 0], categories[c, 1] + 2):
            kept[place] *= factor
    for j in range(numbers.shape[0]):
        kept[numbers[j]] *= factor
        kept[numbers[j] + 2] *= factor


@numba.njit(cache=True, nogil=True)
def replay(history, evidence, maps, half_life_us, ask, tables, out):
    """Fill `out` with vectors of people at moments, each from the events before it.

    Args:
        history: indptr (u + 1,) int64, items (n,) int32 (below 0: unknown), weights (n,) float64,
            timestamps (n,) int64 in microseconds.
        evidence: value_indptr (n_items + 1,) int64, values (m,) int32, shares (m,) float64,
            numbers (n_items, n_numbers) float64, NaN where missing.
        maps: places (n_values,) int64 of each value; others (n_values + n_numbers,) int64, the
            place of all other values of its attribute, or a number's first; -1 for none.
        half_life_us: In microseconds.
        ask: users (m,) int64, in ascending order; events (m,) int64, how many of the user's are
            before, not falling within a user; moments (m,) int64; rows (m,) int64 of `out`.
        tables: What `believe` reads: categories, alpha, usual, numbers, normal.
        out: (m, size) float32.
    """
    indptr, items, weights, timestamps = history
    places, others = maps
    users, events, moments, rows = ask
    categories, alpha, usual, numbers, normal = tables
    kept = np.zeros(out.shape[1])
    at, m = 0, users.shape[0]
    while at < m:
        user = users[at]
        kept[:] = 0.0
        unit, empty, event = np.int64(0), True, indptr[user]
        while at < m and users[at] == user:
            for place in range(event, indptr[user] + events[at]):
                if items[place] < 0 or not weights[place] > 0.0:
                    continue
                if empty:
                    unit, empty = timestamps[place], False
                halvings = (timestamps[place] - unit) / half_life_us
                if halvings > MOST_HALVINGS:
                    _scale(kept, 2.0**-halvings, categories, numbers)
                    unit, halvings = timestamps[place], 0.0
                _take_in(
                    kept, items[place], weights[place] * 2.0**halvings, evidence, places, others
                )
            event = indptr[user] + events[at]
            factor = 2.0 ** -max((moments[at] - unit) / half_life_us, -MOST_HALVINGS)
            believe(kept, factor, categories, alpha, usual, numbers, normal, out[rows[at]])
            at += 1

"""TransE's gradient steps, compiled."""

from __future__ import annotations

import numba
import numpy as np

from palate.models.kernels.random import below, next_state

__all__ = ["transe_epoch"]


@numba.njit(cache=True, nogil=True)
def _distance(entities, relations, h, r, t):
    total = np.float32(0)
    for k in range(entities.shape[1]):
        gap = entities[h, k] + relations[r, k] - entities[t, k]
        total += gap * gap
    return total


@numba.njit(cache=True, nogil=True)
def _move(entities, relations, h, r, t, step):
    """One step against the gradient of the distance, or (step below 0) along it."""
    for k in range(entities.shape[1]):
        change = step * (entities[h, k] + relations[r, k] - entities[t, k])
        entities[h, k] -= change
        relations[r, k] -= change
        entities[t, k] += change


@numba.njit(cache=True, nogil=True)
def transe_epoch(order, triples, entities, relations, eta, gamma, state):
    """Each triple once, beside one whose head or tail is another entity drawn evenly.

    Args:
        order: (n,) int64 rows of `triples`.
        triples: (n, 3) int32 head, relation, tail.
        entities: (n_entities, k) float32, at least two; changed in place.
        relations: (n_relations, k) float32, changed in place.
        eta: float32 step.
        gamma: float32 margin.
        state: uint64, not 0, of the draws.

    Returns:
        The state after, and the mean loss.
    """
    total = 0.0
    for at in order:
        h, r, t = triples[at, 0], triples[at, 1], triples[at, 2]
        state = next_state(state)
        other = below(state, entities.shape[0])
        state = next_state(state)
        false_h, false_t = (other, t) if below(state, 2) == 0 else (h, other)
        loss = gamma + _distance(entities, relations, h, r, t)
        loss -= _distance(entities, relations, false_h, r, false_t)
        if loss > 0:
            total += loss
            _move(entities, relations, h, r, t, eta)
            _move(entities, relations, false_h, r, false_t, -eta)
    return state, total / max(1, order.shape[0])

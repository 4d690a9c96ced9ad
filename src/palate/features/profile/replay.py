"""Profiles at past moments, from histories: what a net is trained on, equal to what is served."""

from __future__ import annotations

import numpy as np

from palate.errors import DataError, StoreError
from palate.features.profile.evidence import ItemEvidence
from palate.features.profile.kernels.replay import replay
from palate.features.profile.layout import ProfileLayout
from palate.types import Float32Array, FloatArray, Int32Array, Int64Array

__all__ = ["profiles_at", "profiles_before"]


def profiles_before(
    layout: ProfileLayout,
    evidence: ItemEvidence,
    indptr: Int64Array,
    items: Int32Array,
    weights: FloatArray,
    timestamps: Int64Array,
    wanted: Int64Array | None = None,
) -> Float32Array:
    """The vector of each event's person at the moment of that event, from what came before it.

    An event of the same moment counts as before where it stands before. Only the users who have
    wanted events are gone through, from their first event to the last that is wanted.

    Args:
        layout: Of the vectors.
        evidence: Of all items, under the layout's definition.
        indptr: (u + 1,) user i owns events `indptr[i]:indptr[i + 1]`.
        items: (n,) rows of `evidence`, each user's in the order of time; -1 for an unknown item.
        weights: (n,) what each is worth; 0 and below count for nothing.
        timestamps: (n,) microseconds since 1970 UTC, never falling within a user.
        wanted: (m,) positions among the n events, in any order; all of them where None.

    Returns:
        (m, size) float32, in the order of `wanted`.

    Raises:
        DataError: Lengths differ, or a row or position is out of range.
        StoreError: The evidence is of another definition.
    """
    _check(layout, evidence, indptr, items, weights, timestamps)
    positions = np.arange(len(items)) if wanted is None else np.asarray(wanted, np.int64)
    if positions.size and not 0 <= positions.min() <= positions.max() < len(items):
        raise DataError(f"a wanted position is out of range: there are {len(items)} events")
    rows = np.argsort(positions, kind="stable")
    positions = positions[rows]
    users = np.searchsorted(indptr, positions, side="right") - 1
    ask = (users, positions - indptr[users], timestamps[positions], rows)
    return _replayed(layout, evidence, (indptr, items, weights, timestamps), ask)


def profiles_at(
    layout: ProfileLayout,
    evidence: ItemEvidence,
    indptr: Int64Array,
    items: Int32Array,
    weights: FloatArray,
    timestamps: Int64Array,
    now_us: Int64Array,
) -> Float32Array:
    """The vector of each user at a moment of their own, from all of their events.

    Args:
        layout: Of the vectors.
        evidence: Of all items, under the layout's definition.
        indptr: (u + 1,) as in `profiles_before`.
        items: (n,) the same.
        weights: (n,) the same.
        timestamps: (n,) the same.
        now_us: (u,) microseconds since 1970 UTC.

    Returns:
        (u, size) float32.

    Raises:
        DataError: Lengths differ, or a row is out of range.
        StoreError: The evidence is of another definition.
    """
    _check(layout, evidence, indptr, items, weights, timestamps)
    users = np.arange(len(indptr) - 1)
    if len(now_us) != len(users):
        raise DataError(f"{len(now_us)} moments for {len(users)} users")
    ask = (users, np.diff(indptr), now_us, users)
    return _replayed(layout, evidence, (indptr, items, weights, timestamps), ask)


def _check(
    layout: ProfileLayout,
    evidence: ItemEvidence,
    indptr: Int64Array,
    items: Int32Array,
    weights: FloatArray,
    timestamps: Int64Array,
) -> None:
    if evidence.fingerprint != layout.fingerprint:
        raise StoreError(
            f"evidence of definition {evidence.fingerprint} is read under {layout.fingerprint}",
            hint="make it with the layout's definition",
        )
    if not len(items) == len(weights) == len(timestamps) == indptr[-1]:
        raise DataError(
            f"{len(items)} items, {len(weights)} weights and {len(timestamps)} times for "
            f"{indptr[-1]} events"
        )
    if len(items) and items.max() >= len(evidence):
        raise DataError(f"row {items.max()} of {len(evidence)} items")


def _replayed(
    layout: ProfileLayout,
    evidence: ItemEvidence,
    history: tuple[Int64Array, Int32Array, FloatArray, Int64Array],
    ask: tuple[Int64Array, Int64Array, Int64Array, Int64Array],
) -> Float32Array:
    indptr, items, weights, timestamps = history
    out: Float32Array = np.empty((len(ask[0]), layout.size), np.float32)
    replay(
        (
            np.ascontiguousarray(indptr, np.int64),
            np.ascontiguousarray(items, np.int32),
            np.ascontiguousarray(weights, np.float64),
            np.ascontiguousarray(timestamps, np.int64),
        ),
        (evidence.indptr, evidence.values, evidence.shares, evidence.numbers),
        _maps(layout, evidence),
        layout.definition.half_life_us,
        tuple(np.ascontiguousarray(one, np.int64) for one in ask),
        (layout.categories, layout.alpha, layout.usual, layout.numbers, layout.normal),
        out,
    )
    return out


def _maps(layout: ProfileLayout, evidence: ItemEvidence) -> tuple[Int64Array, Int64Array]:
    """The place of each code; the place of all others of its attribute, and of each number."""
    places, others = [], []
    for name, value in evidence.names:
        first, count = layout.spans.get(name, (-1, 2))
        other = first + count - 2
        places.append(layout.places.get(name, {}).get(value, other))
        others.append(other)
    others += [layout.spans.get(name, (-1, 0))[0] for name in evidence.numbered]
    return np.array(places, np.int64), np.array(others, np.int64)

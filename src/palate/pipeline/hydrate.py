"""Candidates get what is known of them: attributes, vectors, features. Length and order stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from palate.errors import DataError
from palate.features.item_state import ItemState
from palate.pipeline.attributes import Read, Recalled
from palate.pipeline.candidate import Candidates
from palate.pipeline.parts import Nearest, Remembered, RequestFeatures
from palate.pipeline.person import Person
from palate.types import Float32Array

__all__ = ["with_features", "with_memories", "with_states", "with_vectors"]


def with_states(candidates: Candidates, states: Sequence[ItemState | None]) -> Candidates:
    """Attributes and times of change from what the store says of each item.

    Raises:
        DataError: It did not say one thing an item.
    """
    if len(states) != len(candidates):
        raise DataError(f"the store gave {len(states)} states of {len(candidates)} items")
    changed = [0 if state is None else state.timestamp for state in states]
    known = [{} if state is None else state.attributes for state in states]
    return candidates.having(attributes=Read(known, np.array(changed, np.int64)))


def with_memories(candidates: Candidates, remembered: Remembered) -> Candidates:
    """Attributes from memory; none for an item that it has not heard of, or not any more."""
    return candidates.having(attributes=Recalled(candidates.ids, remembered))


def with_vectors(candidates: Candidates, index: Nearest) -> Candidates:
    """Vectors from the index, where no source brought them; NaN for an item that it lacks.

    Raises:
        DataError: It gave something of another shape.
    """
    n, vectors = len(candidates), candidates.vectors
    if vectors is None:
        vectors = _checked(index.vectors(candidates.ids), n, index.dimension)
        return candidates.having(vectors=vectors)
    vectors = _checked(vectors, n, index.dimension)
    absent = np.isnan(vectors[:, 0])
    if not absent.any():
        return candidates
    missing = np.flatnonzero(absent)
    ids = [candidates.ids[row] for row in missing.tolist()]
    vectors = vectors.copy()
    vectors[missing] = _checked(index.vectors(ids), len(ids), index.dimension)
    return candidates.having(vectors=vectors)


def _checked(vectors: Float32Array, n: int, dimension: int) -> Float32Array:
    if vectors.shape != (n, dimension):
        raise DataError(f"the index gave vectors of shape {vectors.shape}")
    return vectors


def with_features(
    candidates: Candidates,
    features: RequestFeatures,
    person: Person,
    context: Mapping[str, Any] | None,
) -> Candidates:
    """Features of the request.

    Raises:
        DataError: There is not one row an item.
    """
    rows = features.rows(person, candidates.attributes, context)
    if rows.ndim != 2 or len(rows) != len(candidates):
        raise DataError(f"features of shape {rows.shape} for {len(candidates)} items")
    return candidates.having(features=rows)

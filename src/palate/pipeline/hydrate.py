"""Candidates get what is known of them: attributes, vectors, features. Length and order stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from palate.errors import DataError
from palate.features.item_state import ItemState
from palate.pipeline.candidate import Candidates
from palate.pipeline.parts import Nearest, Remembered, RequestFeatures
from palate.pipeline.person import Person

__all__ = ["with_features", "with_memories", "with_states", "with_vectors"]


def with_states(candidates: Candidates, states: Sequence[ItemState | None]) -> Candidates:
    """Attributes and times of change from what the store says of each item."""
    changed = [0 if state is None else state.timestamp for state in states]
    return replace(
        candidates,
        attributes=[{} if state is None else state.attributes for state in states],
        changed_us=np.array(changed, np.int64),
    )


def with_memories(candidates: Candidates, remembered: Remembered) -> Candidates:
    """Attributes from memory; none for an item that it has not heard of, or not any more."""
    recall = remembered.attributes
    return replace(candidates, attributes=[recall(item) or {} for item in candidates.ids])


def with_vectors(candidates: Candidates, index: Nearest) -> Candidates:
    """Vectors from the index; NaN for an item that it does not hold.

    Raises:
        DataError: It gave something of another shape.
    """
    vectors = index.vectors(candidates.ids)
    if vectors.shape != (len(candidates), index.dimension):
        raise DataError(f"the index gave vectors of shape {vectors.shape}")
    return replace(candidates, vectors=vectors)


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
    return replace(candidates, features=rows)

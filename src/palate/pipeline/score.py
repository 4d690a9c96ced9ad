"""Candidates get the probability of each outcome from the rank net."""

from __future__ import annotations

import numpy as np

from palate.errors import DataError
from palate.pipeline.candidate import Candidates
from palate.pipeline.parts import Nets
from palate.types import BoolArray, Float32Array

__all__ = ["has_vector", "outcomes_of"]


def has_vector(vectors: Float32Array) -> BoolArray:
    """(n,) bool: whether the index holds the item; of one that it does not, all numbers are NaN."""
    return ~np.isnan(vectors[:, 0])


def outcomes_of(nets: Nets, user: Float32Array, candidates: Candidates) -> Float32Array:
    """(n, n_outcomes) float32 probabilities; NaN for items that have no vector.

    Raises:
        DataError: The candidates have no vectors, or the nets gave something of another shape.
    """
    if candidates.vectors is None:
        raise DataError("the candidates have no vectors", hint="the stage vectors fell back")
    vectors, features = candidates.vectors, candidates.features
    embedded = has_vector(vectors)
    whole = bool(embedded.all())
    if not whole:
        vectors = vectors[embedded]
        features = None if features is None else features[embedded]
    n_outcomes = len(nets.outcomes)
    given = np.empty((0, n_outcomes), np.float32)
    if len(vectors):
        given = np.asarray(nets.rank(user, vectors, features), np.float32)
    if given.shape != (len(vectors), n_outcomes):
        raise DataError(
            f"the rank net gave {given.shape} for {len(vectors)} items and {n_outcomes} outcomes",
            hint="the release is broken: roll it back",
        )
    if whole:
        return given
    outcomes = np.full((len(candidates), n_outcomes), np.nan, np.float32)
    outcomes[embedded] = given
    return outcomes

r"""TransE: vectors of entities from facts (head, relation, tail), so that h + r lies near t.

    minimise  sum over facts  max(0, gamma + |h + r - t|^2 - |h' + r - t'|^2)

with h' or t' another entity drawn evenly, by gradient steps; entities are brought back to
length 1 before every pass.

Source: Bordes, Usunier, Garcia-Duran, Weston and Yakhnenko 2013, "Translating embeddings for
modeling multi-relational data", NIPS, section 2, algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from palate.errors import DataError
from palate.models.config import ModelConfig
from palate.models.kernels.random import seeded
from palate.models.kernels.transe import transe_epoch
from palate.types import Float32Array, Int32Array

__all__ = ["TransEConfig", "Translations", "transe"]


class TransEConfig(ModelConfig):
    """TransE's hyperparameters."""

    k: int = Field(default=32, ge=1, le=1024, description="k, width of the vectors.")
    gamma: float = Field(default=2.0, gt=0, description="gamma, the margin.")
    eta: float = Field(default=0.05, gt=0, le=1, description="lambda there, the step.")
    epochs: int = Field(default=100, ge=0, description="Passes over the facts.")
    seed: int = Field(default=42, ge=0, description="Of the start, the order and the draws.")


@dataclass(frozen=True, slots=True)
class Translations:
    """What was learned.

    Attributes:
        entities: (n_entities, k) float32, of length 1.
        relations: (n_relations, k) float32.
    """

    entities: Float32Array
    relations: Float32Array


def transe(triples: Int32Array, n_entities: int, config: TransEConfig) -> Translations:
    """Learn from facts.

    Args:
        triples: (n, 3) int32: head, relation, tail; rows from 0.
        n_entities: Above every head and tail; those in no fact keep their random start.
        config: Hyperparameters.

    Raises:
        DataError: A row lies outside, or the steps were too large.
    """
    if triples.ndim != 2 or triples.shape[1] != 3:
        raise DataError(f"facts are (head, relation, tail), not an array of {triples.shape}")
    if len(triples) and (triples.min() < 0 or triples[:, [0, 2]].max() >= n_entities):
        raise DataError(f"a fact names an entity outside the {n_entities} there are")
    rng = np.random.default_rng(config.seed)
    n_relations = int(triples[:, 1].max(initial=-1)) + 1
    bound = 6 / np.sqrt(config.k)
    entities = rng.uniform(-bound, bound, (n_entities, config.k)).astype(np.float32)
    relations = _unit(rng.uniform(-bound, bound, (n_relations, config.k)).astype(np.float32))
    state = seeded(config.seed)
    for _ in range(config.epochs if n_entities > 1 else 0):
        entities = _unit(entities)
        order = rng.permutation(len(triples))
        steps = np.float32(config.eta), np.float32(config.gamma)
        state, _loss = transe_epoch(order, triples, entities, relations, *steps, np.uint64(state))
    if not (np.isfinite(entities).all() and np.isfinite(relations).all()):
        raise DataError("transe did not settle", hint="lower eta")
    return Translations(_unit(entities), relations)


def _unit(vectors: Float32Array) -> Float32Array:
    lengths = np.sqrt(np.einsum("nk,nk->n", vectors, vectors))
    unit: Float32Array = vectors / np.maximum(lengths, 1e-12)[:, None]
    return unit

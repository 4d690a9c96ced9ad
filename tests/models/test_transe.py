"""TransE: true facts are nearer than false ones, and alike entities lie together."""

from __future__ import annotations

import numpy as np
import pytest

from palate.errors import DataError
from palate.models.transe import TransEConfig, transe
from palate.types import Int32Array

GROUPS, EACH = 4, 10
IS_A, NEXT_TO = 0, 1


def facts() -> Int32Array:
    """Entities 0 to 39 are of kinds 40 to 43, and stand in a ring within their kind."""
    rows = []
    for entity in range(GROUPS * EACH):
        group, place = divmod(entity, EACH)
        rows.append((entity, IS_A, GROUPS * EACH + group))
        rows.append((entity, NEXT_TO, group * EACH + (place + 1) % EACH))
    return np.array(rows, np.int32)


def test_the_true_kind_is_the_nearest() -> None:
    found = transe(facts(), GROUPS * EACH + GROUPS, TransEConfig(k=16))
    heads = found.entities[: GROUPS * EACH] + found.relations[IS_A]
    kinds = found.entities[GROUPS * EACH :]
    nearest = ((heads[:, None] - kinds) ** 2).sum(2).argmin(1)
    assert (nearest == np.arange(GROUPS * EACH) // EACH).mean() > 0.95


def test_entities_of_a_kind_lie_together() -> None:
    vectors = transe(facts(), GROUPS * EACH + GROUPS, TransEConfig(k=16)).entities[:40]
    cosines = vectors @ vectors.T
    same = np.equal.outer(np.arange(40) // EACH, np.arange(40) // EACH)
    np.fill_diagonal(cosines, np.nan)
    assert np.nanmean(cosines[same]) > np.nanmean(cosines[~same]) + 0.3


def test_vectors_have_length_one_and_the_seed_decides() -> None:
    once = transe(facts(), 44, TransEConfig(k=8, epochs=3))
    np.testing.assert_allclose(np.linalg.norm(once.entities, axis=1), 1, rtol=1e-5)
    again = transe(facts(), 44, TransEConfig(k=8, epochs=3))
    np.testing.assert_array_equal(once.entities, again.entities)
    other = transe(facts(), 44, TransEConfig(k=8, epochs=3, seed=1))
    assert (once.entities != other.entities).any()


def test_one_step_by_hand() -> None:
    """One fact, two entities: the true pair comes nearer."""
    triples = np.array([[0, 0, 1]], np.int32)
    before = transe(triples, 2, TransEConfig(k=4, epochs=0))
    after = transe(triples, 2, TransEConfig(k=4, epochs=20))

    def gap(vectors: np.ndarray, relations: np.ndarray) -> float:
        return float(np.linalg.norm(vectors[0] + relations[0] - vectors[1]))

    assert gap(after.entities, after.relations) < gap(before.entities, before.relations)


def test_no_facts_and_one_entity() -> None:
    none = np.empty((0, 3), np.int32)
    assert transe(none, 3, TransEConfig(k=4)).entities.shape == (3, 4)
    assert transe(none, 0, TransEConfig(k=4)).entities.shape == (0, 4)
    alone = transe(np.array([[0, 0, 0]], np.int32), 1, TransEConfig(k=4))
    assert np.isfinite(alone.entities).all()


def test_impossible_facts_are_refused() -> None:
    with pytest.raises(DataError, match="outside the 2"):
        transe(np.array([[0, 0, 2]], np.int32), 2, TransEConfig())
    with pytest.raises(DataError, match="outside the 2"):
        transe(np.array([[-1, 0, 1]], np.int32), 2, TransEConfig())
    with pytest.raises(DataError, match="head, relation, tail"):
        transe(np.zeros((4, 2), np.int32), 2, TransEConfig())

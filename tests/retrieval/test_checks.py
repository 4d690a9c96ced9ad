"""What may take the place of an index: compared by its answers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from palate.retrieval.checks import Checks, SnapshotRefusedError
from palate.retrieval.index import LocalIndex
from palate.types import Float32Array

IDS = [f"i{n}" for n in range(100)]


def drawn(seed: int, n: int = 100) -> Float32Array:
    return np.random.default_rng(seed).normal(size=(n, 6)).astype(np.float32)


def index(vectors: Float32Array) -> LocalIndex:
    return LocalIndex.build(IDS[: len(vectors)], vectors)


def test_the_same_index_overlaps_wholly() -> None:
    found = Checks().compare(index(drawn(0)), index(drawn(0)), IDS[:20], same_space=True)
    assert (found.sampled, found.overlap) == (20, 1.0)


def test_a_turned_space_overlaps_wholly() -> None:
    """Each is asked by its own vectors, so that two spaces can be compared."""
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))
    turned = (drawn(0) @ turn).astype(np.float32)
    found = Checks().compare(index(drawn(0)), index(turned), IDS[:20], same_space=False)
    assert found.overlap > 0.95


def test_other_neighbours_are_refused_in_one_space_only() -> None:
    old, new = index(drawn(0)), index(drawn(1))
    with pytest.raises(SnapshotRefusedError, match="nearest"):
        Checks().compare(old, new, IDS[:20], same_space=True)
    assert Checks().compare(old, new, IDS[:20], same_space=False).overlap < 0.5


def test_an_empty_one_and_one_that_lost_half_are_refused() -> None:
    old = index(drawn(0))
    for n in (0, 49):
        smaller = LocalIndex(6) if n == 0 else index(drawn(0, n))
        with pytest.raises(SnapshotRefusedError, match=f"holds {n} items"):
            Checks().compare(old, smaller, [], same_space=False)
    Checks().compare(old, index(drawn(0, 50)), [], same_space=False)


def test_one_vector_for_all_is_refused() -> None:
    flat = np.ones((100, 6), np.float32)
    with pytest.raises(SnapshotRefusedError, match="one vector"):
        Checks().compare(None, index(flat), IDS[:8], same_space=False)


def test_the_first_index_may_be_anything_sound() -> None:
    found = Checks().compare(None, LocalIndex(6), [], same_space=False)
    assert found.sampled == 0
    assert math.isnan(found.overlap)
    found = Checks().compare(None, index(drawn(0, 1)), IDS[:1], same_space=False)
    assert found.sampled == 1


def test_sampled_items_that_are_gone_do_not_count() -> None:
    old, new = index(drawn(0)), index(drawn(0))
    old.delete(["i1"])
    new.delete(["i0"])
    found = Checks().compare(old, new, ["i0", "i1", "i2", "never there"], same_space=True)
    assert found.sampled == 2
    assert found.overlap >= 0.8

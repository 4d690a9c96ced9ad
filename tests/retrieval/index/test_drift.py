from __future__ import annotations

import numpy as np

from palate.retrieval.index import LocalIndex
from palate.retrieval.index.drift import Drift, Limits
from palate.types import Float32Array

N, DIMENSION = 4000, 16


def clustered(shift: float, seed: int) -> Float32Array:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(40, DIMENSION))
    noise = rng.normal(scale=0.2, size=(N, DIMENSION))
    return (centres[rng.integers(0, 40, N)] + noise + shift).astype(np.float32)


def built() -> LocalIndex:
    return LocalIndex.build([str(n) for n in range(N)], clustered(0, 1), n_lists=40)


def test_a_fresh_index_has_not_drifted() -> None:
    drift = Drift.of(built())
    assert (drift.rows, drift.lists) == (N, 40)
    assert 1 <= drift.imbalance < 4
    assert drift.far < 0.05
    assert drift.reasons() == []


def test_replaced_by_others_of_the_kind_it_has_not_either() -> None:
    index = built()
    index.upsert([str(n) for n in range(N)], clustered(0, 2))
    assert Drift.of(index).reasons() == []


def test_a_catalogue_that_moves_away_is_noticed() -> None:
    index = built()
    index.upsert([str(n) for n in range(N // 2)], clustered(2, 3)[: N // 2])
    assert any("far from" in reason for reason in Drift.of(index).reasons())


def test_one_list_that_takes_everything_is_noticed() -> None:
    index = built()
    index.upsert([f"x{n}" for n in range(N)], np.repeat(clustered(0, 1)[:1], N, axis=0))
    assert any("uneven" in reason for reason in Drift.of(index).reasons(Limits(imbalance=3)))


def test_growth_is_noticed_and_little_is_measured_of_few() -> None:
    drift = Drift(rows=2_000_000, lists=500, imbalance=1.5, far=0.0, wanted=2000)
    assert drift.reasons() == ["2,000,000 rows stand in 500 lists"]
    assert Drift.of(LocalIndex(3)).reasons() == []
    one = LocalIndex.build(["a"], np.ones((1, 3), np.float32))
    assert Drift.of(one).reasons() == []

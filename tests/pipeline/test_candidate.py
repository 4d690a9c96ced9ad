"""Candidates: merging what sources give, taking rows, and how far sources agree."""

from __future__ import annotations

import numpy as np
import pytest
from tests.pipeline.fakes import candidates

from palate.pipeline.candidate import Proposal, merged


def test_each_item_once_in_the_order_in_which_it_was_found() -> None:
    one = Proposal(["a", "b"], np.array([0.9, 0.8], np.float32))
    found = merged([one, Proposal(["c", "b"])])
    assert found.ids == ["a", "b", "c"]
    assert found.places.tolist() == [[0, -1], [1, 1], [-1, 0]]
    np.testing.assert_allclose(
        found.given, [[0.9, np.nan], [0.8, np.nan], [np.nan, np.nan]], rtol=1e-6
    )
    assert [found.attributes.of(row) for row in range(3)] == [{}, {}, {}]


def test_of_an_id_twice_in_one_source_the_first_place_counts() -> None:
    found = merged([Proposal(["a", "b", "a"], np.array([3, 2, 1], np.float32))])
    assert found.ids == ["a", "b"]
    assert found.places[:, 0].tolist() == [0, 1]
    assert found.given[:, 0].tolist() == [3, 2]


@pytest.mark.parametrize("proposals", [[], [Proposal(())], [Proposal(()), Proposal(())]])
def test_nothing(proposals: list[Proposal]) -> None:
    found = merged(proposals)
    assert len(found) == 0
    assert found.agreement().shape == (0,)
    assert found.take([]).ids == []


def test_agreement_is_reciprocal_rank_fusion() -> None:
    found = merged([Proposal(["a", "b"]), Proposal(["b", "c"])])
    np.testing.assert_allclose(found.agreement(), [1 / 61, 1 / 62 + 1 / 61, 1 / 62], rtol=1e-6)


def test_take_takes_every_column() -> None:
    some = candidates(
        [1, 2, 3], vectors=[[1, 1], [2, 2], [3, 3]], attributes=[{"n": i} for i in range(3)],
        changed_us=[1, 2, 3],
    )  # fmt: skip
    column_of = np.array([[1], [2], [3]], np.float32)
    some = some.with_scores(column_of[:, 0], column_of)
    taken = some.take([2, 0])
    assert taken.ids == ["i002", "i000"]
    assert taken.attributes.values([0, 1], "n") == [2, 0]
    assert taken.places[:, 0].tolist() == [2, 0]
    times = taken.attributes.changed_us()
    for column in (taken.vectors, times, taken.outcomes, taken.scores):
        assert column is not None
        assert column.reshape(2, -1)[:, 0].tolist() == [3, 1]
    assert taken.features is None


def test_vectors_at_hand_go_to_their_items() -> None:
    near = Proposal(["a", "b"], vectors=np.array([[1, 1], [2, 2]], np.float32))
    found = merged([Proposal(["c", "b"]), near])
    assert found.ids == ["c", "b", "a"]
    assert found.vectors is not None
    np.testing.assert_array_equal(found.vectors, [[np.nan, np.nan], [2, 2], [1, 1]])
    assert merged([Proposal(["c"])]).vectors is None
    alone = merged([near])
    assert alone.vectors is near.vectors
    assert alone.places.tolist() == [[0], [1]]

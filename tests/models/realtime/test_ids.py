"""Ids that were trained have rows, any other reads zeros, also where rows are shared."""

from __future__ import annotations

import numpy as np
import pytest

from palate.errors import DataError
from palate.models.realtime.ids import NEVER_SEEN, TrainedIds, hashed


def test_each_trained_id_has_a_row_of_its_own() -> None:
    names = [f"car-{n}" for n in range(50)]
    ids = TrainedIds.of(names, buckets=100)
    rows = ids.rows(names)
    assert sorted(rows.tolist()) == list(range(1, 51))
    assert ids.n_rows == 51


def test_an_id_never_seen_reads_zeros() -> None:
    ids = TrainedIds.of(["a", "b"], buckets=100)
    assert ids.rows(["c", "", "a "]).tolist() == [NEVER_SEEN] * 3


def test_more_ids_than_buckets_share_rows_but_strangers_still_read_zeros() -> None:
    names = [f"car-{n}" for n in range(500)]
    ids = TrainedIds.of(names, buckets=7)
    rows = ids.rows(names)
    assert set(rows.tolist()) == set(range(1, 8))
    assert ids.n_rows == 8
    assert (ids.rows([f"other-{n}" for n in range(500)]) == NEVER_SEEN).all()


def test_no_ids() -> None:
    ids = TrainedIds.of([], buckets=3)
    assert ids.n_rows == 1
    assert ids.rows(["a"]).tolist() == [NEVER_SEEN]
    assert ids.rows([]).shape == (0,)


def test_an_id_twice_counts_once() -> None:
    assert TrainedIds.of(["a", "a", "b"], buckets=9).n_rows == 3


def test_no_buckets_are_refused() -> None:
    with pytest.raises(DataError, match="at least 1"):
        TrainedIds.of(["a"], buckets=0)


def test_the_hash_is_the_same_everywhere() -> None:
    # BLAKE2b of b"a", 8 bytes, little endian.
    import hashlib

    said = int.from_bytes(hashlib.blake2b(b"a", digest_size=8).digest(), "little")
    assert hashed(["a"]).tolist() == [said]
    assert hashed(["a"]).dtype == np.uint64


def test_more_ids_are_those_and_others() -> None:
    ids = TrainedIds.of(["a", "b"], buckets=9).with_more(["b", "c"])
    assert sorted(ids.rows(["a", "b", "c"]).tolist()) == [1, 2, 3]
    assert ids.n_rows == 4


@pytest.mark.parametrize("buckets", [7, 100])
def test_own_rows_are_those_of_the_ids(buckets: int) -> None:
    names = [f"car-{n}" for n in range(50)]
    ids = TrainedIds.of(names, buckets)
    order = np.argsort(hashed(names))
    assert ids.own_rows().tolist() == ids.rows([names[at] for at in order]).tolist()

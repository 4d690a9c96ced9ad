"""Ids and slots by each other, against a dict."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.errors import DataError
from palate.retrieval.index import names as module
from palate.retrieval.index.names import LONGEST_ID, Names, named
from palate.types import Int32Array

IDS = st.text(st.characters(exclude_characters="\0"), max_size=4)
CHANGES = st.lists(st.tuples(st.booleans(), st.lists(IDS, unique=True, max_size=12)), max_size=30)


def slots(*numbers: int) -> Int32Array:
    return np.array(numbers, np.int32)


@settings(max_examples=60, deadline=None)
@given(CHANGES)
def test_it_is_a_dict(changes: list[tuple[bool, list[str]]]) -> None:
    names, right, free = Names(), dict[str, int](), 0
    for puts, ids in changes:
        old = [right.get(one, -1) for one in ids]
        if puts:
            fresh = np.arange(free, free + len(ids), dtype=np.int32)
            free += len(ids)
            assert names.put(ids, fresh, free).tolist() == old
            right.update(zip(ids, fresh.tolist(), strict=True))
        else:
            assert names.remove(ids).tolist() == [slot for slot in old if slot >= 0]
            for one in ids:
                right.pop(one, None)
        assert len(names) == len(right)
    assert names.find(list(right)).tolist() == list(right.values())
    assert names.slots().tolist() == sorted(right.values())
    assert named(slots(*right.values()), names.arrays) == list(right)


def test_many_ids_and_a_table_that_grows() -> None:
    names = Names()
    ids = [f"car-{n}" for n in range(50_000)]
    for start in range(0, len(ids), 7000):
        some = ids[start : start + 7000]
        names.put(some, np.arange(start, start + len(some), dtype=np.int32), len(ids))
    assert (names.find(ids) == np.arange(len(ids))).all()
    assert names.find(["car-50000", "", "car-"]).tolist() == [-1, -1, -1]


def test_a_heap_that_is_full_forgets_who_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LEAST", 4096)
    names = Names()
    names.put(["stays", "moves"], slots(0, 1), 16)
    names.put(["moves"], slots(2), 16)
    first = len(names.arrays.heap)
    for round_ in range(200):
        one = f"{round_}-" + 90 * "x"
        names.put([one], slots(3), 16)
        names.remove([one])
    assert len(names.arrays.heap) == first, "made anew, and no larger"
    assert names.find(["stays", "moves"]).tolist() == [0, 2]
    arrays = names.arrays
    assert named(slots(0, 1, 2), arrays) == ["stays", "moves", "moves"]
    assert arrays.starts[1] == arrays.starts[2], "two rows of an item still have one name"


def test_ids_of_every_kind() -> None:
    names = Names()
    ids = ["", "ä", "日本", "\U0001f697", "a" * LONGEST_ID, "\ud800"]
    names.put(ids, np.arange(len(ids), dtype=np.int32), len(ids))
    assert named(names.find(ids), names.arrays) == ids
    assert named(slots(), names.arrays) == []


@pytest.mark.parametrize("bad", ["a" * (LONGEST_ID + 1), "a\0b"])
def test_ids_that_cannot_be_kept(bad: str) -> None:
    names = Names()
    with pytest.raises(DataError):
        names.put(["fine", bad], slots(0, 1), 2)
    assert len(names) == 0

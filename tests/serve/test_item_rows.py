"""Rows of items: equal to a dictionary in which the last to change stands last."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from palate.serve.item_rows import ItemRows

IDS = st.lists(st.sampled_from("abcdefghij"), unique=True, max_size=6)


def newest(rows: ItemRows) -> list[str]:
    return [item for some in rows.newest() for item in rows.named(some)]


@given(st.lists(st.tuples(st.booleans(), IDS), max_size=30))
def test_as_a_dictionary_in_the_order_of_changes(steps: list[tuple[bool, list[str]]]) -> None:
    rows, known = ItemRows(), dict[str, None]()
    for puts, ids in steps:
        for item in ids:
            known.pop(item, None)
        if puts:
            known |= dict.fromkeys(ids)
            assert len(set(rows.put(ids).tolist())) == len(ids)
        else:
            rows.remove(ids)
        assert newest(rows) == list(known)[::-1]
        assert len(rows) == len(known)
    assert rows.named(rows.find(list(known))) == list(known)
    assert rows.find(["nobody"]).tolist() == [-1]
    assert sorted(rows.named(rows.live())) == sorted(known)


def test_many_changes_take_no_more_room() -> None:
    rows = ItemRows()
    ids = [f"i{n}" for n in range(500)]
    for turn in range(40):
        rows.put(ids[::-1] if turn % 2 else ids)
        rows.remove(ids[:250])
        rows.put([f"new-{turn}"])
        rows.remove([f"new-{turn}"])
    assert len(rows._order) < 4_000
    assert rows.n_rows == 500  # what was given up is used again
    assert newest(rows)[:2] == ["i250", "i251"]


def test_rows_are_arranged_by_given_turns() -> None:
    rows = ItemRows()
    rows.put(["a", "b", "c", "d"])
    rows.remove(["c"])
    rows.arrange(np.array([5, 9, 7, 1]))
    assert newest(rows) == ["b", "a", "d"]
    rows.put(["d"])
    assert newest(rows) == ["d", "b", "a"]

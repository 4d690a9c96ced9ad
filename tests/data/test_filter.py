from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.config import EventType
from palate.data import Dataset
from palate.data.filter import (
    clip_values,
    deduplicate,
    k_core,
    min_events,
    only_events,
    to_implicit,
)
from palate.errors import DataError

PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=40)


def dataset(pairs: list[tuple[int, int]]) -> Dataset:
    users, items = zip(*pairs, strict=True)
    return Dataset.from_frames(pl.DataFrame({"user_id": users, "item_id": items}))


def core_by_hand(pairs: list[tuple[int, int]], k: int) -> list[tuple[str, str]]:
    """Drop one offending row's user or item at a time, in the most naive way."""
    while True:
        users, items = Counter(u for u, _ in pairs), Counter(i for _, i in pairs)
        kept = [(u, i) for u, i in pairs if users[u] >= k and items[i] >= k]
        if kept == pairs:
            return [(str(u), str(i)) for u, i in kept]
        pairs = kept


@given(PAIRS, st.integers(1, 4))
def test_the_k_core_is_the_one_found_by_hand(pairs: list[tuple[int, int]], k: int) -> None:
    expected = core_by_hand(pairs, k)
    if not expected:
        with pytest.raises(DataError, match="nothing is left"):
            k_core(dataset(pairs), k)
        return
    core = k_core(dataset(pairs), k)
    assert core.interactions.select("user_id", "item_id").rows() == expected
    assert set(core.user_vocabulary.ids) == {u for u, _ in expected}
    assert set(core.item_vocabulary.ids) == {i for _, i in expected}
    again = k_core(core, k)
    assert len(again) == len(core)


def test_minima_are_one_pass_items_first() -> None:
    pairs = [(1, 1), (1, 2), (2, 1), (2, 3), (3, 3)]
    left = min_events(dataset(pairs), per_item=2, per_user=2)
    # item 2 goes, user 1 is left with one row and goes, user 3 goes; items 1 and 3 stay.
    assert left.interactions.select("user_id", "item_id").rows() == [("2", "1"), ("2", "3")]


def test_attributes_of_the_dropped_go_too(shop: Dataset) -> None:
    left = k_core(shop, 2)
    assert left.item_vocabulary.ids == ("a", "b")
    assert left.items["item_id"].to_list() == ["a"]
    assert left.user_vocabulary.ids == ("u1", "u2")


@pytest.mark.parametrize("k", [0, -1])
def test_a_minimum_below_one_is_refused(shop: Dataset, k: int) -> None:
    with pytest.raises(DataError, match="at least 1"):
        k_core(shop, k)


def test_deduplicate_keeps_the_newest_of_user_item_event(shop: Dataset) -> None:
    left = deduplicate(shop).interactions
    assert left.height == 5  # u2 clicked b twice
    assert left["timestamp"].dt.epoch("s").to_list() == [10, 20, 30, 25, 5]


def test_deduplicate_takes_the_last_to_arrive_of_equal_times() -> None:
    frame = pl.DataFrame(
        {"user_id": ["u"] * 3, "item_id": ["a"] * 3, "value": [1, 2, 3], "timestamp": [9, 9, 8]}
    )
    assert deduplicate(Dataset.from_frames(frame)).interactions["value"].to_list() == [2.0]
    timeless = deduplicate(Dataset.from_frames(frame.drop("timestamp")))
    assert timeless.interactions["value"].to_list() == [3.0]


def test_values_are_clipped_and_missing_ones_stay(shop: Dataset) -> None:
    clipped = clip_values(shop, low=3, high=4)
    assert clipped.interactions["value"].to_list() == [None, None, 4.0, None, None, 3.0]
    with pytest.raises(DataError, match="must be the lower"):
        clip_values(shop, low=4, high=3)
    with pytest.raises(DataError, match="must be the lower"):
        clip_values(shop, low=float("nan"), high=3)


def test_ratings_become_likes(shop: Dataset) -> None:
    likes = to_implicit(shop, threshold=5)
    assert likes.interactions.select("user_id", "item_id", "event", "value").rows() == [
        ("u1", "a", "like", None)
    ]
    assert likes.schema.events == {"like": EventType()}
    assert likes.schema.items == shop.schema.items
    assert likes.item_vocabulary is shop.item_vocabulary
    assert likes.histories.values.tolist() == [1.0]
    with pytest.raises(DataError, match="no interaction has a value of 6"):
        to_implicit(shop, threshold=6)


def test_event_types_are_chosen(shop: Dataset) -> None:
    assert len(only_events(shop, ["click"])) == 4
    assert len(only_events(shop, ["click", "buy"])) == 6
    for unknown in (["click", "hide"], []):
        with pytest.raises(DataError, match="no interaction is of type") as caught:
            only_events(shop, unknown)
        assert "buy" in str(caught.value.hint)

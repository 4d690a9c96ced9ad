from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from palate.events.identity import complete, id_key, uuid7
from palate.events.schema import Event

MAX_US = (1 << 48) * 1000 - 1


@given(st.integers(0, MAX_US))
def test_a_uuid7_is_of_its_version_and_carries_its_time(at_us: int) -> None:
    made = uuid.UUID(uuid7(at_us))
    assert str(made) == uuid7(at_us)[:18] + str(made)[18:]
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == at_us // 1000
    assert abs(((made.int >> 64) & 0xFFF) * 1000 / 4096 - at_us % 1000) <= 1


@given(st.integers(0, MAX_US - 1))
def test_uuid7s_sort_by_their_time(at_us: int) -> None:
    assert uuid7(at_us) < uuid7(at_us + 1)


def test_uuid7s_of_one_moment_differ() -> None:
    assert len({uuid7(1_700_000_000_000_000) for _ in range(1000)}) == 1000


@given(
    st.lists(
        st.one_of(st.text(st.characters(codec="utf-8"), min_size=1), st.uuids().map(str)),
        unique=True,
    )
)
def test_keys_are_16_bytes_and_distinct(ids: list[str]) -> None:
    keys = [id_key(public) for public in ids]
    assert all(len(key) == 16 for key in keys)
    assert len(set(keys)) == len(keys)


def test_keys_of_uuid7s_keep_their_order() -> None:
    ids = [uuid7(1_700_000_000_000_000 + i) for i in range(50)]
    assert sorted(ids, key=id_key) == ids


def test_complete_fills_in_what_is_missing_and_nothing_else() -> None:
    bare = complete(Event(event="click", user_id="u"), 1_700_000_000_000_000)
    assert uuid.UUID(bare.event_id).version == 7
    assert bare.timestamp == 1_700_000_000_000_000
    assert complete(Event(event="click", event_id="e", user_id="u"), 7).event_id == "e"
    assert complete(Event(event="click", user_id="u", timestamp=3), 7).timestamp == 3
    whole = Event(event="click", event_id="e", user_id="u", timestamp=3)
    assert complete(whole, 7) is whole

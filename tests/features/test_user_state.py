from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from palate.events.log.base import Record
from palate.events.schema import USER_UPSERTED, Event
from palate.features.user_state import UserState, decode_user, encode_user


def did(offset: int, time: int, value: float | None = None) -> Record:
    return Record(
        offset,
        Event(event="click", user_id="u", item_id=f"i{offset}", timestamp=time, value=value),
    )


def test_the_last_few_oldest_first() -> None:
    user = UserState()
    user.apply([did(1, 10), did(2, 20, 4.5), did(3, 30)], limit=2)
    assert user.item_ids == ["i2", "i3"]
    assert user.events == ["click", "click"]
    assert user.values == [4.5, None]
    assert user.timestamps == [20, 30]
    assert user.updated_offset == 3


def test_a_late_event_finds_its_place_and_ties_keep_their_arrival() -> None:
    user = UserState()
    user.apply([did(1, 10), did(2, 30), did(3, 20), did(4, 30), did(5, 10)], limit=9)
    assert user.item_ids == ["i1", "i5", "i3", "i2", "i4"]


def test_an_event_older_than_a_full_history_is_left_out() -> None:
    user = UserState()
    user.apply([did(1, 10), did(2, 20)], limit=2)
    user.apply([did(3, 5)], limit=2)
    assert user.item_ids == ["i1", "i2"]


def test_an_upsert_replaces_all_attributes() -> None:
    user = UserState()
    for offset, attributes in enumerate([{"age": 5, "zip": "1"}, {"age": 6}, None], 1):
        event = Event(event=USER_UPSERTED, user_id="u", attributes=attributes, timestamp=1)
        user.apply([Record(offset, event)], limit=9)
        assert user.attributes == (attributes or {})
    assert user.item_ids == []


def test_two_users_share_nothing() -> None:
    one, two = UserState(), UserState()
    one.apply([did(1, 10)], limit=9)
    assert two == UserState()


@given(
    st.lists(st.tuples(st.integers(0, 5), st.none() | st.floats(allow_nan=False))),
    st.integers(1, 6),
    st.integers(1, 4),
)
def test_step_by_step_is_as_all_at_once(
    events: list[tuple[int, float | None]], limit: int, step: int
) -> None:
    records = [did(offset, time, value) for offset, (time, value) in enumerate(events, 1)]
    user = UserState()
    for start in range(0, len(records), step):
        user.apply(records[start : start + step], limit)
        user = decode_user(encode_user(user))
    wanted = sorted(records, key=lambda r: (r.event.timestamp, r.offset))[-limit:]
    assert user.item_ids == [r.event.item_id for r in wanted]
    assert user.values == [r.event.value for r in wanted]
    assert user.timestamps == [r.event.timestamp for r in wanted]

"""Frames: whatever the pieces in which bytes arrive, the same messages come out."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.errors import StoreError
from palate.events.dead_letters import DeadLetter
from palate.events.log.base import Appended
from palate.events.schema import Event
from palate.serve import wire
from palate.serve.wire import Answer, Batch, FrameReader, about_items, frame
from palate.types import Verdict

MESSAGES = [
    Batch(1, []),
    Batch(2, [Event(event="click", user_id="ann", item_id="c0", context={"page": ["home", 3]})]),
    Batch(300, [Event(event="item.upserted", item_id="é", attributes={"price": 1.5})] * 40),
]


@given(cuts=st.lists(st.integers(0, 10_000)))
def test_any_pieces_give_the_same_messages(cuts: list[int]) -> None:
    stream = b"".join(map(frame, MESSAGES))
    at = sorted({0, *(cut % len(stream) for cut in cuts), len(stream)})
    reader = FrameReader()
    bodies = [body for start, stop in pairwise(at) for body in reader.feed(stream[start:stop])]
    assert [msgspec.msgpack.decode(body, type=Batch) for body in bodies] == MESSAGES


def test_answers_survive_the_wire() -> None:
    answer = Answer(7, [Appended(Verdict.DUPLICATE, 3)], "", False)
    (body,) = FrameReader().feed(frame(answer))
    assert msgspec.msgpack.decode(body, type=Answer) == answer


def test_a_batch_is_about_items_alone_or_not() -> None:
    upserted, deleted = Event(event="item.upserted"), Event(event="item.deleted")
    letter = DeadLetter(b"", "reason", 7, "events")
    assert about_items(Batch(1, [upserted, deleted])) == "all"
    assert about_items(Batch(1, [upserted, Event(event="view")])) == "some"
    assert about_items(Batch(1, [upserted], [letter])) == "some"
    assert about_items(Batch(1, [Event(event="view")])) == "none"
    assert about_items(Batch(1, [], [letter])) == "none"


def test_what_is_too_large_is_refused_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_FRAME_BYTES", 10)
    with pytest.raises(StoreError, match="more than the writer takes"):
        frame(MESSAGES[1])
    with pytest.raises(StoreError, match="on the writer's socket"):
        FrameReader().feed(b"\x00\x00\x00\x0b")

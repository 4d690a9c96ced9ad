"""Records of the topic: written and read back, and what is none is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from palate.errors import DataError
from palate.events.identity import id_key
from palate.events.log.base import Record
from palate.events.schema import Event
from palate.retrieval.embeddings import (
    Embedding,
    concerns,
    embedding_of,
    event_of,
    open_embeddings,
)
from palate.types import Float32Array, Verdict


def embedding(vector: Float32Array | None, **changed: Any) -> Embedding:
    whole = {"item_id": "car1", "space": "aaaa", "item_offset": 7, "timestamp": 5, "changed_at": 6}
    return Embedding(vector=vector, **{**whole, **changed})


VECTOR = np.array([1.5, -0.0, 3e-40, 3.4e38], np.float32)  # a denormal, and nearly the largest


def test_it_is_read_back_bit_for_bit(tmp_path: Path) -> None:
    with open_embeddings(tmp_path, read_only=False) as topic:
        topic.append([event_of(embedding(VECTOR)), event_of(embedding(None, space=""))])
        put, gone = (embedding_of(record) for record in topic.read())
    assert put.vector is not None
    assert put.vector.tobytes() == VECTOR.tobytes()
    assert put.vector.flags.writeable
    assert (put.item_id, put.space, put.item_offset, put.timestamp, put.changed_at) == (
        "car1", "aaaa", 7, 5, 6,
    )  # fmt: skip
    assert (gone.deleted, gone.space, put.deleted) == (True, "", False)


def test_the_same_change_twice_is_a_duplicate(tmp_path: Path) -> None:
    events = [event_of(embedding(VECTOR)), event_of(embedding(VECTOR + 1))]
    with open_embeddings(tmp_path, read_only=False) as topic:
        verdicts = [done.verdict for done in topic.append(events)]
        assert verdicts == [Verdict.ACCEPTED, Verdict.DUPLICATE]


@pytest.mark.parametrize(
    "changed", [{"item_id": "car2"}, {"space": "bbbb"}, {"item_offset": 8}, {"timestamp": 6}]
)
def test_another_change_is_none(changed: dict[str, Any]) -> None:
    assert event_of(embedding(VECTOR)).event_id != event_of(embedding(VECTOR, **changed)).event_id


def test_ids_of_records_rise_with_the_changes() -> None:
    offsets = [7, 8, 255, 256, 1 << 16, (1 << 40) + 1]
    keys = [id_key(event_of(embedding(VECTOR, item_offset=n)).event_id) for n in offsets]
    assert keys == sorted(keys)
    assert [int.from_bytes(key[:8], "big") for key in keys] == offsets


@pytest.mark.parametrize(
    ("context", "concerned"),
    [({"space": "aaaa"}, True), ({"space": ""}, True), ({"space": "bbbb"}, False), ({}, True)],
    ids=str,
)
def test_records_of_another_space_are_told_unread(context: dict[str, Any], concerned: bool) -> None:
    event = Event(event="item.embedded", event_id="x", item_id="car1", context=context)
    assert concerns(Record(1, event), "aaaa") is concerned


def test_a_space_that_is_embedded_anew_repeats_nothing() -> None:
    assert event_of(embedding(VECTOR), 1).event_id != event_of(embedding(VECTOR), 2).event_id


def test_a_longest_item_id_fits(tmp_path: Path) -> None:
    with open_embeddings(tmp_path, read_only=False) as topic:
        topic.append([event_of(embedding(VECTOR, item_id="x" * 500))])
        assert embedding_of(topic.read()[0]).item_id == "x" * 500


GOOD = event_of(embedding(VECTOR)).context or {}


@pytest.mark.parametrize(
    "context",
    [
        None,
        {},
        {**GOOD, "vector": "not base64!"},
        {**GOOD, "vector": "AAAA"},  # three bytes
        {**GOOD, "vector": ""},
        {**GOOD, "vector": "AADAfw=="},  # NaN
        {**GOOD, "vector": 17},
        {**GOOD, "item_offset": "many"},
        {**GOOD, "item_offset": None},
    ],
)
def test_what_is_no_record_is_refused(context: dict[str, Any] | None) -> None:
    event = Event(event="item.embedded", event_id="x", item_id="car1", context=context)
    with pytest.raises(DataError, match="record 3"):
        embedding_of(Record(3, event))


def test_another_event_is_refused() -> None:
    event = Event(event="item.upserted", event_id="x", item_id="car1", context=GOOD)
    with pytest.raises(DataError, match=r"item\.upserted"):
        embedding_of(Record(3, event))

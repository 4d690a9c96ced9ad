from __future__ import annotations

import uuid
from typing import Any

import polars as pl
import pytest

from palate.config import Attribute, EventType, Schema
from palate.data import Dataset
from palate.data.from_log import dataset_from_records, dataset_to_events
from palate.data.generated import generate
from palate.errors import DataError
from palate.events.log.base import Record
from palate.events.schema import RESERVED, Event
from palate.types import AttributeKind

SCHEMA = Schema(
    events={"click": EventType()},
    items={
        "title": Attribute(kind=AttributeKind.TEXT),
        "tags": Attribute(kind=AttributeKind.CATEGORIES, separator="|"),
        "price": Attribute(kind=AttributeKind.NUMBER),
        "listed": Attribute(kind=AttributeKind.TIME),
    },
    users={"plan": Attribute(kind=AttributeKind.CATEGORY)},
)


def click(user: str | None = "u", item: str | None = "a", **more: Any) -> Event:
    return Event(event=more.pop("event", "click"), user_id=user, item_id=item, **more)


def upsert(item: str, **attributes: Any) -> Event:
    return Event(event="item.upserted", item_id=item, attributes=attributes)


def replay(*events: Event, schema: Schema = SCHEMA) -> Dataset:
    return dataset_from_records([Record(n, e) for n, e in enumerate(events, 1)], schema)


def test_ordinary_events_are_interactions() -> None:
    dataset = replay(
        click(timestamp=5), click(event="buy", value=2.5, timestamp=9), click("v", "b", timestamp=1)
    )
    us = dataset.interactions["timestamp"].dt.epoch("us").to_list()
    assert us == [5, 9, 1]  # in the order of the log
    assert dataset.interactions.drop("timestamp").rows() == [
        ("u", "a", "click", None), ("u", "a", "buy", 2.5), ("v", "b", "click", None),
    ]  # fmt: skip


def test_reserved_types_are_never_interactions() -> None:
    reserved = [Event(event=name, user_id="u", item_id="r") for name in sorted(RESERVED)]
    dataset = replay(*reserved, click())
    assert len(dataset) == 1
    assert "r" not in set(dataset.interactions["item_id"])


def test_visitors_are_users_and_events_about_nothing_are_left_out() -> None:
    dataset = replay(
        click(None, "a", anonymous_id="u"),
        click("u", None),
        click(None, "a"),
        click("u", "b", anonymous_id="w"),
    )
    visitor, user = dataset.interactions["user_id"]
    assert user == "u"
    assert visitor == "\x01u"  # not the user of the same name
    first, second = dataset_to_events(dataset, prefix="p")
    assert (first.user_id, first.anonymous_id) == (None, "u")
    assert (second.user_id, second.anonymous_id) == ("u", None)


def test_a_visitor_who_was_identified_is_the_user() -> None:
    def visit(item: str, visitor: str = "v") -> Event:
        return click(None, item, anonymous_id=visitor)

    def identified(user: str) -> Event:
        return Event(event="user.identified", user_id=user, anonymous_id="v")

    dataset = replay(
        visit("a"), identified("u"), visit("b"), identified("w"), visit("c"), visit("d", "other")
    )
    pairs = dataset.interactions.select("user_id", "item_id").rows()
    assert pairs == [("u", "a"), ("u", "b"), ("w", "c"), ("\x01other", "d")]


def test_the_time_of_receipt_stands_in() -> None:
    dataset = replay(click(received_at=7), click(timestamp=3, received_at=7), click())
    assert dataset.interactions["timestamp"].dt.epoch("us").to_list() == [7, 3, None]


def test_the_last_upsert_wins_and_deleted_items_leave_the_table_unless_they_were_touched() -> None:
    dataset = replay(
        upsert("a", title="Old", price=1, tags=["x"]),
        upsert("b", title="B"),
        upsert("gone", title="Gone"),
        upsert("left", title="Left alone"),
        upsert("back", title="Before"),
        click(item="gone"),
        Event(event="item.deleted", item_id="gone"),
        Event(event="item.deleted", item_id="left"),
        Event(event="item.deleted", item_id="never there"),
        Event(event="item.deleted", item_id="back"),
        upsert("back", title="Back"),
        upsert("a", title="New", tags="p|q", listed="2024-01-02"),
        Event(event="user.upserted", user_id="w", attributes={"plan": 1}),
    )
    rows = dataset.items.select("item_id", "title", "tags", "price").sort("item_id").rows()
    assert rows == [
        ("a", "New", ["p", "q"], None), ("b", "B", None, None), ("back", "Back", None, None),
        ("gone", "Gone", None, None),
    ]  # fmt: skip
    assert dataset.items.filter(pl.col("item_id") == "a")["listed"].dt.year().item() == 2024
    assert dataset.users.rows() == [("w", "1")]
    assert dataset.item_vocabulary.ids == ("a", "b", "back", "gone")  # people did touch it


def test_what_the_schema_does_not_declare_is_left_out() -> None:
    dataset = replay(upsert("a", title="A", secret="x"), click())
    assert "secret" not in dataset.items.columns


def test_without_a_schema_kinds_are_guessed() -> None:
    dataset = replay(
        upsert("a", year=1999, genres=["x", "y"], new=True), click(value=3.0), schema=Schema()
    )
    assert dataset.schema.events["click"].value == "multiply"
    assert {n: a.kind.value for n, a in dataset.schema.items.items()} == {
        "genres": "categories", "new": "category", "year": "number",
    }  # fmt: skip
    assert dataset.items.row(0, named=True) == {
        "item_id": "a", "genres": ["x", "y"], "new": "true", "year": 1999.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("attributes", "what"),
    [
        ({"price": "cheap"}, "'price' of 'b' holds 'cheap'"),
        ({"price": [1]}, r"'price' of 'b' holds"),
        ({"price": {"eur": 1}}, "'price' of 'b' holds"),
        ({"price": 10**30}, None),
        ({"listed": "soon"}, "'listed' of 'b' holds 'soon'"),
        ({"title": ["a", "b"]}, "'title' of 'b' holds"),
        ({"tags": {"a": 1}}, "'tags' of 'b' holds"),
        ({"tags": [["a"]]}, "'tags' of 'b' holds"),
        ({"tags": ["a", 1]}, None),
        ({"price": 7}, None),
        ({"price": True}, None),
    ],
)
def test_attributes_of_another_kind_are_refused_with_the_id(
    attributes: dict[str, Any], what: str | None
) -> None:
    events = (upsert("a", title="A", price=1.5, tags=["x"]), upsert("b", **attributes), click())
    if what is None:
        assert replay(*events).items.height == 2
        return
    with pytest.raises(DataError, match=what):
        replay(*events)


def test_an_empty_log() -> None:
    with pytest.raises(DataError, match="no interactions") as caught:
        replay(upsert("a", title="A"))
    assert "palate import" in str(caught.value.hint)


def test_there_and_back_again(shop: Dataset) -> None:
    for dataset in (shop, generate(20, 15, 100).dataset):
        events = list(dataset_to_events(dataset, prefix="p"))
        back = replay(*events, schema=dataset.schema)
        by_time = dataset.interactions.sort("timestamp", maintain_order=True)
        assert back.interactions.equals(by_time)
        assert back.items.sort("item_id").equals(dataset.items.sort("item_id"))
        assert back.users.sort("user_id").equals(dataset.users.sort("user_id"))
        assert back.item_vocabulary == dataset.item_vocabulary


def test_events_come_in_order(shop: Dataset) -> None:
    events = list(dataset_to_events(shop, prefix="p"))
    kinds = [e.event for e in events]
    assert kinds[:3] == ["item.upserted", "item.upserted", "user.upserted"]
    times = [e.timestamp for e in events[3:]]
    assert times == sorted(times)
    assert len(events) == 3 + len(shop)


def test_unknown_times_stay_unknown() -> None:
    dataset = Dataset.from_frames(pl.DataFrame({"user_id": ["u"], "item_id": ["a"]}))
    (event,) = dataset_to_events(dataset, prefix="p")
    assert event.timestamp == 0
    assert replay(event).interactions["timestamp"].to_list() == [None]


def test_event_ids_are_made_of_the_content(shop: Dataset) -> None:
    def ids(dataset: Dataset, prefix: str = "p") -> list[str]:
        return [e.event_id for e in dataset_to_events(dataset, prefix=prefix)]

    assert ids(shop) == ids(shop)
    assert len(set(ids(shop))) == len(ids(shop))
    assert not set(ids(shop)) & set(ids(shop, "q"))
    found = [uuid.UUID(i) for i in ids(shop)]
    assert [str(i) for i in found] == ids(shop)  # as the log writes them
    assert {(i.version, i.variant) for i in found} == {(8, uuid.RFC_4122)}
    times = [e.timestamp // 1000 for e in dataset_to_events(shop, prefix="p")]
    assert [i.int >> 80 for i in found] == times
    # A row more, in front: every other row is known again.
    longer = pl.concat([shop.interactions.tail(1).with_columns(item_id=pl.lit("z")),
                        shop.interactions])  # fmt: skip
    assert len(set(ids(shop.with_interactions(longer))) - set(ids(shop))) == 1
    # The same row twice is two events, and the same two the next time.
    twice = shop.with_interactions(pl.concat([shop.interactions.head(1)] * 2))
    assert len(set(ids(twice))) == 3 + 2
    # A changed attribute is another event.
    changed = Dataset.from_frames(
        shop.interactions, items=shop.items.with_columns(price=pl.lit(9.0)), schema=shop.schema
    )
    assert len(set(ids(changed)) - set(ids(shop))) == 2

"""What dealers do: every car is listed once, cut downwards, sold last."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from palate.config import Schema
from palate.data.generated.cars import ATTRIBUTES, Cars
from palate.data.generated.cars.posts import events_of
from palate.data.generated.cars.stock import DAY_US, START_US
from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED, Event
from palate.events.validate import validate

NOW_US = START_US + 365 * DAY_US


@pytest.fixture(scope="module")
def cars() -> Cars:
    return Cars(1_500, 200, seed=6)


@pytest.fixture(scope="module")
def changes(cars: Cars) -> pl.DataFrame:
    return cars.changes(60)


def test_order_and_ids(changes: pl.DataFrame) -> None:
    assert changes["timestamp"].is_sorted()
    assert changes["event_id"].n_unique() == changes.height
    kinds = changes.select("event", "why").unique().sort("why").rows()
    assert kinds == [(ITEM_UPSERTED, "listed"), (ITEM_UPSERTED, "price"), (ITEM_DELETED, "sold")]


def test_a_car_is_listed_first_and_once_and_sold_last_and_once(
    cars: Cars, changes: pl.DataFrame
) -> None:
    stories = changes.group_by("item_id", maintain_order=True).agg("why")
    assert stories.height == cars.n_items  # all come within 60 days
    for why in stories["why"]:
        assert why[0] == "listed"
        assert "listed" not in why[1:].to_list()
        assert "sold" not in why[:-1].to_list()


def test_replaying_gives_what_is_on_sale(cars: Cars, changes: pl.DataFrame) -> None:
    at = START_US + round(23.5 * DAY_US)
    before = changes.filter(pl.col("timestamp").dt.epoch("us") <= at)
    last = before.group_by("item_id", maintain_order=True).last()
    there = last.filter(pl.col("why") != "sold").sort("item_id")
    assert there["item_id"].equals(cars.item_ids.filter(pl.Series(cars.live(23.5))))
    rows = cars.item_rows(there["item_id"])
    np.testing.assert_array_equal(
        there["price"], cars.stock.price_at(rows, np.full(len(rows), at, np.int64))
    )


def test_prices_only_fall_and_nothing_else_changes(cars: Cars, changes: pl.DataFrame) -> None:
    told = changes.filter(pl.col("why") != "sold")
    prices = told.group_by("item_id", maintain_order=True).agg("price")["price"]
    assert all(p.diff().drop_nulls().lt(0).all() for p in prices)
    assert prices.list.len().max() == 5  # listed and four cuts
    others = [name for name in ATTRIBUTES if name != "price"]
    same = told.select("item_id", *others).unique()
    assert same.sort("item_id").equals(cars.items.select("item_id", *others))


def test_days_add_up(cars: Cars, changes: pl.DataFrame) -> None:
    parts = [cars.changes(20, first=first) for first in (0, 20, 40)]
    assert pl.concat(parts).equals(changes)
    assert cars.changes(0).is_empty()


def test_what_is_sold_tells_nothing_but_that(changes: pl.DataFrame) -> None:
    sold = changes.filter(pl.col("why") == "sold")
    assert sold.height > 300
    assert sold.select(pl.all_horizontal(pl.col(ATTRIBUTES).is_null()).all()).item()


def test_rows_are_sound_events(cars: Cars, changes: pl.DataFrame) -> None:
    shop = Schema(events=cars.schema.events, items=cars.schema.items)
    made = list(events_of(changes.head(800))) + list(events_of(changes.tail(800)))
    made += list(events_of(cars.events(3)))
    assert {e.event for e in made} == {
        ITEM_UPSERTED, ITEM_DELETED, "search", "view", "save", "contact",
    }  # fmt: skip
    for event in made:
        posted = {
            name: getattr(event, name)
            for name in event.__struct_fields__
            if name != "received_at" and getattr(event, name) is not None
        }
        assert isinstance(validate(posted, shop, NOW_US, allow_reserved=True), Event), posted


def test_attributes_and_queries_hold_no_nulls(cars: Cars) -> None:
    listed = next(events_of(cars.changes(1).head(1)))
    assert listed.attributes is not None
    assert set(listed.attributes) == set(ATTRIBUTES)
    searches = cars.events(2).filter(pl.col("event") == "search")
    for event in events_of(searches):
        assert event.context
        assert None not in event.context.values()
        assert event.item_id is None

"""What visitors do follows what they want, and nothing happens to a car that is not there."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from palate.data.generated.cars import Cars
from palate.data.generated.cars.market import BODIES, MAKES
from palate.data.generated.cars.shelves import ANY, Shelves
from palate.data.generated.cars.stock import DAY_US, START_US
from palate.types import Float32Array, Int64Array

WHO = pl.coalesce("user_id", "anonymous_id")


@pytest.fixture(scope="module")
def cars() -> Cars:
    return Cars(5_000, 1_000, seed=11)


@pytest.fixture(scope="module")
def events(cars: Cars) -> pl.DataFrame:
    return cars.events(12, first=3)


@pytest.fixture(scope="module")
def impressions(cars: Cars) -> pl.DataFrame:
    return cars.impressions(12, first=3)


def utility(cars: Cars, frame: pl.DataFrame) -> Float32Array:
    """(n,) of each row's visitor and car."""
    visitors = cars.visitor_rows(frame.select(WHO).to_series())
    return cars.pair_utility(visitors, cars.item_rows(frame["item_id"]))


def microseconds(frame: pl.DataFrame) -> Int64Array:
    return np.asarray(frame["timestamp"].dt.epoch("us").to_numpy(), np.int64)


def test_events_are_in_order_distinct_and_of_their_days(events: pl.DataFrame) -> None:
    assert events["timestamp"].is_sorted()
    assert events["event_id"].n_unique() == events.height
    assert set(events["event"]) == {"search", "view", "save", "contact"}
    at = microseconds(events)
    assert at.min() >= START_US + 3 * DAY_US
    assert at.max() < START_US + 15 * DAY_US


def test_everybody_is_a_user_or_a_visitor_and_most_are_anonymous(events: pl.DataFrame) -> None:
    one = events.select((pl.col("user_id").is_null() != pl.col("anonymous_id").is_null()).all())
    assert one.item()
    assert 0.5 < events["user_id"].null_count() / events.height < 0.97


def test_a_day_does_not_need_those_before_it(cars: Cars, events: pl.DataFrame) -> None:
    fresh = Cars(cars.n_items, cars.n_visitors, cars.seed)
    day = fresh.day(8).events
    at = pl.col("timestamp").dt.epoch("us") - START_US
    assert day.equals(events.filter(at // DAY_US == 8))


def test_nothing_is_shown_or_done_before_listing_or_after_the_sale(
    cars: Cars, events: pl.DataFrame, impressions: pl.DataFrame
) -> None:
    sold_within = 0
    for frame in (events.drop_nulls("item_id"), impressions):
        rows, at = cars.item_rows(frame["item_id"]), microseconds(frame)
        assert (at >= cars.stock.listed_us[rows]).all()
        assert (at < cars.stock.sold_us[rows]).all()
        sold_within += int((cars.stock.sold_us[rows] < START_US + 15 * DAY_US).sum())
    assert sold_within > 100  # so that the law had something to forbid


def test_what_is_looked_at_is_liked_better_than_what_is_not(
    cars: Cars, impressions: pl.DataFrame
) -> None:
    u = utility(cars, impressions)
    taken = impressions["taken"].to_numpy()
    assert u[taken].mean() > u[~taken].mean() + 1.5
    shown = impressions.with_columns(u=pl.Series(u)).group_by("request_id")
    pairs = shown.agg(
        pl.col("u").filter("taken").mean().alias("taken"),
        pl.col("u").filter(~pl.col("taken")).mean().alias("left"),
    ).drop_nulls()
    assert pairs.height > 500
    assert (pairs["taken"] > pairs["left"]).to_numpy().mean() > 0.85


def test_the_more_is_done_the_more_is_liked(cars: Cars, events: pl.DataFrame) -> None:
    means = [
        utility(cars, events.filter(pl.col("event") == event)).mean()
        for event in ("view", "save", "contact")
    ]
    assert means[0] + 1 < means[1] < means[2]
    counts = dict(events["event"].value_counts().rows())
    assert counts["view"] > 3 * counts["save"] > 3 * counts["contact"] > 0


def test_deeds_belong_to_what_was_shown(events: pl.DataFrame, impressions: pl.DataFrame) -> None:
    done = events.drop_nulls("item_id")
    keys = ["request_id", "item_id", "position", "surface"]
    assert done.join(impressions, on=keys, how="anti").is_empty()
    views = done.filter(pl.col("event") == "view")
    taken = impressions.filter("taken")
    assert views.height == taken.height == views.join(taken, on=keys, how="semi").height
    first = impressions.group_by("request_id").agg(pl.col("timestamp").first().alias("shown"))
    assert done.join(first, on="request_id").select((pl.col("timestamp") > pl.col("shown")).all())[
        0, 0
    ]


def test_what_is_saved_or_asked_about_was_looked_at_before(events: pl.DataFrame) -> None:
    keys = ["request_id", "item_id"]
    views = events.filter(pl.col("event") == "view").select(*keys, viewed="timestamp")
    later = events.filter(pl.col("event").is_in(["save", "contact"])).join(views, on=keys)
    assert later.height == events.filter(pl.col("event").is_in(["save", "contact"])).height
    assert (later["timestamp"] > later["viewed"]).all()


def test_no_page_shows_a_car_twice_and_places_count_from_0(impressions: pl.DataFrame) -> None:
    pages = impressions.group_by("request_id").agg(
        pl.len(),
        pl.col("item_id").n_unique().alias("cars"),
        pl.col("position").max().alias("last"),
        pl.col("position").n_unique().alias("places"),
    )
    assert (pages["len"] == pages["cars"]).all()
    assert (pages["len"] == pages["places"]).all()
    assert (pages["len"] == pages["last"] + 1).all()
    assert 10 < pages["len"].to_numpy().mean() <= 20


def test_a_search_finds_what_it_asked_for(
    cars: Cars, events: pl.DataFrame, impressions: pl.DataFrame
) -> None:
    asked = events.filter(pl.col("event") == "search").select("request_id", "context")
    assert asked["request_id"].n_unique() == asked.height
    shown = (
        impressions.join(asked.unnest("context"), on="request_id")
        .rename({"make": "q_make", "body": "q_body", "fuel": "q_fuel"})
        .join(cars.items, on="item_id")
    )
    for name in ("make", "body", "fuel"):
        both = shown.drop_nulls(f"q_{name}")
        assert both.height > 1_000
        assert (
            both[f"q_{name}"] == both[name]
        ).to_numpy().mean() > 0.99  # nothing fits: anything is shown
    rows = cars.item_rows(shown["item_id"])
    price = pl.Series(cars.stock.price_at(rows, microseconds(shown)))
    assert (price >= shown["price_min"].fill_null(0)).all()
    assert (price <= shown["price_max"].fill_null(1e9)).all()
    empty = asked.unnest("context").drop("request_id").select(pl.all_horizontal(pl.all().is_null()))
    assert not empty.to_series().any()
    searched = impressions.filter(pl.col("surface") == "search")["request_id"].unique()
    assert set(searched) <= set(asked["request_id"])


def test_cars_that_are_shown_more_were_meant_to_be(cars: Cars, impressions: pl.DataFrame) -> None:
    rows = cars.item_rows(impressions["item_id"])
    shown = np.bincount(rows, minlength=cars.n_items)
    there = cars.live(3) & cars.live(15)
    often = cars.stock.exposure > np.median(cars.stock.exposure)
    assert shown[there & often].mean() > 2 * shown[there & ~often].mean()


def test_shelves_draw_what_fits_by_exposure() -> None:
    stock = Cars(3_000, 1, seed=2).stock
    shelves = Shelves(stock)
    vw, suv = MAKES.index("Volkswagen"), BODIES.index("SUV")
    make = np.array([vw, ANY, vw, ANY, MAKES.index("Tesla")])
    body = np.array([ANY, suv, suv, ANY, BODIES.index("van")])  # nobody sells the last
    drawn = shelves.draw(np.random.default_rng(1), make, body, 4_000)
    assert drawn.shape == (5, 4_000)
    assert (stock.make[drawn[0]] == vw).all()
    assert (stock.body[drawn[1]] == suv).all()
    assert ((stock.make[drawn[2]] == vw) & (stock.body[drawn[2]] == suv)).all()
    np.testing.assert_array_equal(shelves.offers(make[[2, 4]], body[[2, 4]]), [True, False])
    counts = np.bincount(drawn[0], minlength=len(stock))
    fits = stock.make == vw
    expected = 4_000 * stock.exposure[fits] / stock.exposure[fits].sum()
    assert np.corrcoef(counts[fits], expected)[0, 1] > 0.95
    for anything in (drawn[3], drawn[4]):
        assert len(np.unique(stock.make[anything])) > 15

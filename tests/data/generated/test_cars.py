"""The marketplace as a whole: the seed decides, parts equal the whole, prices are sensible."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from palate.data.attributes import typed
from palate.data.generated.cars import ATTRIBUTES, Cars
from palate.data.generated.cars.market import MAKES, MODELS
from palate.data.generated.cars.stock import BLOCK
from palate.errors import DataError


@pytest.fixture(scope="module")
def cars() -> Cars:
    return Cars(4_000, 300, seed=7)


def test_sizes_and_columns(cars: Cars) -> None:
    assert cars.items.height == cars.n_items == len(cars.item_ids) == 4_000
    assert cars.items.columns == ["item_id", *ATTRIBUTES]
    assert list(cars.schema.items) == list(ATTRIBUTES)
    assert cars.items.null_count().sum_horizontal().item() == 0
    assert cars.items["item_id"].is_sorted()
    assert cars.items["item_id"].n_unique() == 4_000
    assert typed(cars.items, "item_id", cars.schema.items).height == 4_000


def test_the_seed_decides() -> None:
    one, same, other = Cars(500, 50, 1), Cars(500, 50, 1), Cars(500, 50, 2)
    assert one.items.equals(same.items)
    assert one.events(2).equals(same.events(2))
    assert one.impressions(2).equals(same.impressions(2))
    assert one.changes(2).equals(same.changes(2))
    np.testing.assert_array_equal(one.utility([0, 1], [2, 3]), same.utility([0, 1], [2, 3]))
    assert not one.items.equals(other.items)
    assert one.dataset(3).checksum != other.dataset(3).checksum


@pytest.mark.parametrize("size", [1, 7, 499, 500, 10_000])
def test_chunks_are_parts_of_the_whole(size: int) -> None:
    cars = Cars(500, 1, seed=3)
    parts = list(cars.item_chunks(size))
    assert all(part.height == size for part in parts[:-1])
    assert pl.concat(parts).equals(cars.items)


def test_chunks_across_blocks_are_parts_of_the_whole() -> None:
    cars = Cars(BLOCK + 40, 1, seed=3)
    parts = list(cars.item_chunks(BLOCK - 1))
    assert [part.height for part in parts] == [BLOCK - 1, 41]
    assert pl.concat(parts).equals(cars.items)


def test_more_cars_and_visitors_leave_the_first_ones_as_they_were() -> None:
    few, many = Cars(300, 20, seed=5), Cars(900, 60, seed=5)
    same = [name for name in ATTRIBUTES if name != "dealer"]  # more cars, more dealers
    assert few.items.select(same).equals(many.items.head(300).select(same))
    rows = np.arange(20), np.arange(300)
    np.testing.assert_array_equal(few.utility(*rows), many.utility(*rows))


def test_prices_fall_with_age_and_mileage(cars: Cars) -> None:
    golf = cars.items.filter(pl.col("model") == "Golf", pl.col("year") < 2024)
    by_year = golf.group_by("year").agg(pl.col("price").median(), pl.len()).sort("year")
    price = by_year.filter(pl.col("len") >= 5)["price"].to_numpy()
    assert len(price) >= 5
    assert np.corrcoef(np.arange(len(price)), np.log(price))[0, 1] > 0.97
    known = golf.select(pl.col("price").log(), "year", pl.col("mileage_km")).to_numpy()
    design = np.column_stack([np.ones(len(known)), known[:, 1] - 2020, known[:, 2]])
    _, per_year, per_km = np.linalg.lstsq(design, known[:, 0], rcond=None)[0]
    assert per_year > 0.1
    assert per_km < 0


def test_a_model_has_one_make_body_and_number_of_seats(cars: Cars) -> None:
    models = {(m.make, m.name): (m.body, m.seats) for m in MODELS}
    rows = cars.items.select("make", "model", "body", "seats").unique()
    assert rows.height > 100
    assert {(a, b): (x, y) for a, b, x, y in rows.rows()}.items() <= models.items()
    assert set(cars.items["make"]) == set(MAKES)


def test_electric_cars_are_automatic_and_titles_tell_the_car(cars: Cars) -> None:
    electric = cars.items.filter(pl.col("fuel") == "electric")
    assert electric.height > 50
    assert set(electric["gear"]) == {"automatic"}
    assert electric["year"].to_numpy().min() >= 2016
    told = cars.items.select(
        pl.col("title").str.starts_with(pl.format("{} {} ", "make", "model")).all()
    )
    assert told.item()


def test_a_few_dealers_have_many_cars() -> None:
    counts = Cars(30_000, 1).items["dealer"].value_counts(sort=True)["count"].to_numpy()
    assert len(counts) == 200
    assert counts[0] > 10 * np.median(counts)
    assert counts[0] < 0.1 * counts.sum()


def test_half_of_the_cars_are_there_at_the_start_and_the_number_stays_about_even() -> None:
    cars = Cars(20_000, 1)
    shares = [cars.live(day).mean() for day in (0, 15, 30, 45)]
    np.testing.assert_allclose(shares, 0.5, atol=0.06)


def test_rows_of_ids(cars: Cars) -> None:
    np.testing.assert_array_equal(cars.item_rows(["c0001", "c4000", "no"]), [0, 3_999, -1])
    np.testing.assert_array_equal(cars.visitor_rows(["v300", "v001", "c0001"]), [299, 0, -1])


def test_the_dataset(cars: Cars) -> None:
    made = cars.dataset(10)
    assert set(made.interactions["event"]) == {"view", "save", "contact"}
    assert made.n_users == 300
    assert made.n_items == int((cars.stock.listed_us < 1_704_067_200_000_000 + 864e9).sum())
    assert made.schema == cars.schema
    assert made.interactions["timestamp"].is_sorted()
    assert set(made.histories.values.tolist()) == {1.0, 3.0, 8.0}


@pytest.mark.parametrize(("n_items", "n_visitors"), [(1, 5), (0, 1), (2, 0)])
def test_too_little(n_items: int, n_visitors: int) -> None:
    with pytest.raises(DataError, match="cannot generate"):
        Cars(n_items, n_visitors)


def test_the_smallest() -> None:
    cars = Cars(2, 1, seed=1)
    assert cars.items.height == 2
    assert cars.utility([0], [0, 1]).shape == (1, 2)
    assert cars.events(3).columns == cars.events(0).columns
    with pytest.raises(DataError, match="nobody did anything"):
        cars.dataset(0)

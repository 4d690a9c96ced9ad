"""The same visitors over a catalogue that was not generated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from palate.data.generated.cars import ATTRIBUTES, Cars
from palate.data.sources.cars_catalogue import NAME, read
from palate.errors import DataError


@pytest.fixture(scope="module")
def items() -> pl.DataFrame:
    """A generated catalogue, some of whose attributes are not known, in another order."""
    made = Cars(900, 1, seed=2).items.sample(fraction=1.0, shuffle=True, seed=1)
    blank = pl.int_range(pl.len()) % 7 == 0
    return made.with_columns(
        pl.when(~blank).then(name).alias(name) for name in ("colour", "price", "make", "year")
    ).with_columns(pl.lit(None, pl.String).alias("dealer"))


def test_rows_are_in_the_order_of_ids(items: pl.DataFrame) -> None:
    cars = Cars.over(items, 50, seed=3)
    assert cars.items.equals(items.select("item_id", *ATTRIBUTES).sort("item_id"))
    assert cars.n_items == 900
    np.testing.assert_array_equal(cars.item_rows(cars.item_ids), np.arange(900))
    assert pl.concat(cars.item_chunks(77)).equals(cars.items)


def test_the_visitors_are_the_same(items: pl.DataFrame) -> None:
    """Their utility differs by what only the generator knows: quality, and words of the title."""
    whole = Cars(900, 40, seed=2)
    over = Cars.over(whole.items, 40, seed=2)
    u, v = (one.utility(np.arange(40), np.arange(900)) for one in (whole, over))
    hidden = whole.tastes.extra[:, whole.stock.extra] + whole.stock.quality
    np.testing.assert_allclose(v - over.stock.quality, u - hidden, atol=2e-5)


def test_unknown_attributes_are_no_obstacle(items: pl.DataFrame) -> None:
    cars = Cars.over(items, 300, seed=3)
    played = cars.dataset(10)
    assert len(played) > 200
    assert played.items["price"].null_count() > 50
    assert np.isfinite(cars.utility(np.arange(300), np.arange(900))).all()
    changes = cars.changes(10)
    assert set(changes["why"]) == {"listed", "price", "sold"}
    assert changes["price"].null_count() > 50
    cuts = changes.filter(why="price").join(items, on="item_id", suffix="_listed")
    assert (cuts["price"] < cuts["price_listed"]).all(), "nobody cuts a price that is unknown"
    assert cuts["price"].null_count() == 0


def test_words_that_nobody_knows_are_neither_liked_nor_disliked() -> None:
    made = Cars(20, 8, seed=5).items
    strange = made.with_columns(make=pl.lit("Zeppelin"), colour=pl.lit("octarine"))
    cars = Cars.over(strange, 8, seed=5)
    assert (cars.stock.make == -1).all()
    assert (cars.stock.colour == -1).all()
    assert np.isfinite(cars.utility([0, 7], [0, 19])).all()
    assert cars.changes(3)["make"].drop_nulls().unique().to_list() == ["Zeppelin"]


def test_what_is_refused(items: pl.DataFrame) -> None:
    with pytest.raises(DataError, match="no columns"):
        Cars.over(items.drop("fuel"))
    with pytest.raises(DataError, match="twice"):
        Cars.over(pl.concat([items, items]))
    with pytest.raises(DataError, match="cannot generate"):
        Cars.over(items.head(1))


@pytest.mark.data
def test_over_the_real_catalogue(palate_data: Path) -> None:
    items = read(palate_data / NAME).sample(20_000, seed=1)
    cars = Cars.over(items, 400, seed=1)
    shown = cars.impressions(4)
    visitors = cars.visitor_rows(shown.select(pl.coalesce("user_id", "anonymous_id")).to_series())
    u = cars.pair_utility(visitors, cars.item_rows(shown["item_id"]))
    taken = shown["taken"].to_numpy()
    assert taken.sum() > 100
    assert u[taken].mean() > u[~taken].mean() + 1

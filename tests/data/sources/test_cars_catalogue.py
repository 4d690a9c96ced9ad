"""The real catalogue: spellings by a few rows, the real copy by its figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from palate.data.generated.cars import ATTRIBUTES
from palate.data.sources.cars_catalogue import NAME, read
from palate.errors import DataError

ROW: dict[str, Any] = {
    "item_id": 1,
    "make": "BMW",
    "model": "X3",
    "year": 2015.0,
    "price": 1_000.0,
    "currency": "EUR",
    "mileage_km": 10.0,
    "fuel": "Diesel",
    "transmission": "Automatic",
    "title": None,
    "body": None,
    "colour": None,
    "seats": None,
}


def catalogue(folder: Path, *rows: dict[str, Any]) -> pl.DataFrame:
    """What is read of rows that differ from `ROW` as said."""
    whole = [ROW | {"item_id": n} | row for n, row in enumerate(rows)]
    schema = {
        "title": pl.String, "body": pl.String, "colour": pl.String, "seats": pl.Float64,
        "year": pl.Float64, "price": pl.Float64,
    }  # fmt: skip
    pl.DataFrame(whole, schema_overrides=schema, infer_schema_length=None).write_parquet(
        folder / "items.parquet"
    )
    return read(folder)


def test_columns_and_ids(tmp_path: Path) -> None:
    read_ = catalogue(tmp_path, {}, {})
    assert read_.columns == ["item_id", *ATTRIBUTES]
    assert read_["item_id"].to_list() == ["0", "1"]
    assert read_["title"].to_list() == ["2015 BMW X3"] * 2
    assert read_["dealer"].null_count() == 2


def test_prices_are_euros(tmp_path: Path) -> None:
    rows = [{"currency": c} for c in ("EUR", "GBP", "USD", "AUD", "CHF")] + [{"price": 0.0}]
    assert catalogue(tmp_path, *rows)["price"].to_list() == [1000, 1150, 920, 610, None, None]


@pytest.mark.parametrize(
    ("column", "given", "expected"),
    [
        ("make", ["bmw", "toyota", "Mercedes", "Land", "-", " Kia "],
         ["BMW", "Toyota", "Mercedes-Benz", "Land Rover", None, "Kia"]),
        ("model", [" Fiesta", "\N{EN DASH}", None], ["Fiesta", None, None]),
        ("year", [2060.0, 1940.0, None], [None, 1940, None]),
        ("fuel", ["Gasoline", "Unleaded", "Electric/Gasoline", "-", "Hydrogen", "LPG"],
         ["petrol", "petrol", "hybrid", None, None, "LPG"]),
        ("colour", ["White", "Jet Black", "gray", "Pearl Red Metallic", "5 years", "-"],
         ["white", "black", "grey", "red", None, None]),
        ("body", ["Ute / Tray", "Sedan", "SUV", "Other"], ["pickup", "saloon", "SUV", None]),
        ("seats", [5.0, None], [5, None]),
    ],
)  # fmt: skip
def test_spellings(tmp_path: Path, column: str, given: list[Any], expected: list[Any]) -> None:
    read_ = catalogue(tmp_path, *({column: value} for value in given))
    assert read_[column].to_list() == expected


def test_gears(tmp_path: Path) -> None:
    spelled = {
        "Manual": "manual", "6-Speed M/T": "manual", "Automatic": "automatic",
        "Semi-Auto": "automatic", "8-Speed A/T": "automatic", "A/T CVT": "automatic",
        "Transmission w/Dual Shift Mode": "automatic", "8-Speed Automatic w/ Manual": "automatic",
        "-": None, "Other": None,
    }  # fmt: skip
    read_ = catalogue(tmp_path, *({"transmission": words} for words in spelled))
    assert read_["gear"].to_list() == list(spelled.values())


def test_a_title_that_is_there_stays(tmp_path: Path) -> None:
    titles = catalogue(tmp_path, {"title": "My car"}, {"year": None, "model": "-"})["title"]
    assert titles.to_list() == ["My car", "BMW"]


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        read(tmp_path)
    pl.DataFrame([ROW]).drop("fuel").write_parquet(tmp_path / "items.parquet")
    with pytest.raises(DataError, match="fuel"):
        read(tmp_path)


@pytest.mark.data
def test_the_real_copy(palate_data: Path) -> None:
    items = read(palate_data / NAME)
    assert items.height == items["item_id"].n_unique() == 168_832
    assert items["colour"].drop_nulls().len() > 20_000
    assert items["year"].max() <= 2030  # type: ignore[operator]
    assert items["price"].min() > 0  # type: ignore[operator]
    assert items["title"].null_count() == 0

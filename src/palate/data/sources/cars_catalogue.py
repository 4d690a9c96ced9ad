"""A real car catalogue: 168,832 vehicles on sale in Germany, the UK, Australia and the US.

Items only: nobody's visits are known, so it is no `Source` of a dataset;
`generated.cars.Cars.over` lets generated visitors walk through it. It is read from a local copy,
`cars-catalogue/items.parquet` in the folder that `PALATE_DATA` names; it is not published with
Palate, and its terms are unknown: publish no row of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from palate import columns as c
from palate.data.read import read_table
from palate.errors import DataError

__all__ = ["EUROS", "NAME", "read"]

NAME: Final = "cars-catalogue"
EUROS: Final = {"EUR": 1.0, "GBP": 1.15, "USD": 0.92, "AUD": 0.61}
"""What one unit of each currency is taken for: one rate each, so that prices can be compared."""

_NOTHING: Final = ("", "-", "\N{EN DASH}")
_MAKES: Final = {
    "Mercedes": "Mercedes-Benz", "Hyundi": "Hyundai", "Land": "Land Rover", "Alfa": "Alfa Romeo",
    "Aston": "Aston Martin", "MINI": "Mini", "SEAT": "Seat", "KIA": "Kia", "FIAT": "Fiat",
    "RAM": "Ram", "INFINITI": "Infiniti", "Ssangyong": "SsangYong",
}  # fmt: skip
_FUELS: Final = {
    "diesel": "diesel", "petrol": "petrol", "gasoline": "petrol", "unleaded": "petrol",
    "premium": "petrol", "hybrid": "hybrid", "electric": "electric", "lpg": "LPG",
    "electric/gasoline": "hybrid", "electric/diesel": "hybrid",
    "plug-in hybrid": "plug-in hybrid", "cng": "CNG",
}  # fmt: skip
_BODIES: Final = {
    "suv": "SUV", "hatchback": "hatchback", "ute / tray": "pickup", "sedan": "saloon",
    "wagon": "estate", "commercial": "van", "coupe": "coupe", "convertible": "convertible",
    "people mover": "MPV",
}  # fmt: skip
_COLOURS: Final = (
    "black", "white", "grey", "silver", "blue", "red", "green", "brown", "beige", "orange",
    "yellow", "purple",
)  # fmt: skip
_ACRONYM: Final = 3  # letters: BMW, MG and GMC stay as they are
_FIRST_YEAR, _LAST_YEAR = 1900, 2030


def read(folder: Path) -> pl.DataFrame:
    """The catalogue in the words of the generated one.

    What cannot be read is null: a make or model of `-`, a price of 0, a year that is to come.
    Prices are euros at the rates of `EUROS`; an automatic gear is any that shifts by itself.

    Args:
        folder: Of the copy; holds `items.parquet`.

    Returns:
        One row a car: item_id, make, model, year, price, mileage_km, fuel, gear, colour, body,
        seats, dealer (unknown throughout), title.

    Raises:
        DataError: The file is missing, damaged, or lacks a column.
    """
    raw = read_table(folder / "items.parquet")
    needed = {"item_id", "make", "model", "year", "price", "currency", "transmission", "title"}
    needed |= {"mileage_km", "fuel", "colour", "body", "seats"}
    if absent := sorted(needed - set(raw.columns)):
        raise DataError(f"{NAME}/items.parquet has no columns {absent}")
    make, model = _make(), _text("model")
    title = pl.concat_str(_year().cast(pl.String), make, model, separator=" ", ignore_nulls=True)
    return raw.select(
        pl.col("item_id").cast(pl.String).alias(c.ITEM_ID),
        make.alias("make"),
        model.alias("model"),
        _year().alias("year"),
        _price().alias("price"),
        pl.col("mileage_km").cast(pl.Float64),
        _lower("fuel").replace_strict(_FUELS, default=None).alias("fuel"),
        _gear().alias("gear"),
        _colour().alias("colour"),
        _lower("body").replace_strict(_BODIES, default=None).alias("body"),
        pl.col("seats").cast(pl.Int64),
        pl.lit(None, pl.String).alias("dealer"),
        pl.coalesce(_text("title"), title).alias("title"),
    )


def _text(name: str) -> pl.Expr:
    """The words of a column without blanks around them; null where there are none."""
    words = pl.col(name).cast(pl.String).str.strip_chars()
    return pl.when(~words.is_in(_NOTHING)).then(words)


def _lower(name: str) -> pl.Expr:
    return _text(name).str.to_lowercase()


def _make() -> pl.Expr:
    """Written alike everywhere: `bmw` is `BMW`, `toyota` is `Toyota`."""
    words = _text("make")
    lower = words == words.str.to_lowercase()
    short = words.str.len_chars() <= _ACRONYM
    titled = pl.when(short).then(words.str.to_uppercase()).otherwise(words.str.to_titlecase())
    return pl.when(lower).then(titled).otherwise(words).replace(_MAKES)


def _year() -> pl.Expr:
    year = pl.col("year").cast(pl.Int64)
    return pl.when(year.is_between(_FIRST_YEAR, _LAST_YEAR)).then(year)


def _price() -> pl.Expr:
    rate = pl.col("currency").replace_strict(EUROS, default=None, return_dtype=pl.Float64)
    price = pl.col("price").cast(pl.Float64)
    return pl.when(price > 0).then((price * rate).round(0))


def _gear() -> pl.Expr:
    """67 spellings: what mentions manual or M/T is manual, what else is named is automatic."""
    words = _lower("transmission")
    manual = words.str.contains(r"manual|\bm/t\b") & ~words.str.contains("auto")
    itself = words.str.contains(r"auto|a/t|cvt|dual shift|semi|dct|speed at\b|variable")
    return pl.when(manual).then(pl.lit("manual")).when(itself).then(pl.lit("automatic"))


def _colour() -> pl.Expr:
    """The first plain colour that is mentioned: `Pearl White Metallic` is white."""
    words = _lower("colour").str.replace_all("gray", "grey")
    return words.str.extract(f"({'|'.join(_COLOURS)})")

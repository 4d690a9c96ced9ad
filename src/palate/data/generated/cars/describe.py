"""Cars as rows that people read: attributes by name, and a title."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import columns as c
from palate.config import Attribute, EventType, Schema
from palate.data.generated.cars import market
from palate.data.generated.cars.stock import Stock
from palate.types import AttributeKind

__all__ = ["ATTRIBUTES", "CONTACT", "SAVE", "SCHEMA", "SEARCH", "VIEW", "item_ids", "rows_of_cars"]

SEARCH: Final = "search"  # of no item, so the schema does not declare it
VIEW: Final = "view"
SAVE: Final = "save"
CONTACT: Final = "contact"

_CATEGORY: Final = Attribute(kind=AttributeKind.CATEGORY)
_NUMBER: Final = Attribute(kind=AttributeKind.NUMBER)
_LOG: Final = Attribute(kind=AttributeKind.NUMBER, scale="log")

SCHEMA: Final = Schema(
    events={
        VIEW: EventType(weight=1.0),
        SAVE: EventType(weight=3.0),
        CONTACT: EventType(weight=8.0),
    },
    items={
        "make": _CATEGORY,
        "model": _CATEGORY,
        "year": _NUMBER,
        "price": _LOG,
        "mileage_km": _LOG,
        "fuel": _CATEGORY,
        "gear": _CATEGORY,
        "colour": _CATEGORY,
        "body": _CATEGORY,
        "seats": _NUMBER,
        "dealer": _CATEGORY,
        "title": Attribute(kind=AttributeKind.TEXT),
    },
)
ATTRIBUTES: Final = tuple(SCHEMA.items)


def item_ids(start: int, stop: int, n_items: int) -> pl.Series:
    """Public ids of the rows `start` to `stop` of `n_items`: in order as text, too."""
    width = len(str(n_items))
    return (
        pl.select("c" + pl.int_range(start + 1, stop + 1).cast(pl.String).str.zfill(width))
        .to_series()
        .alias(c.ITEM_ID)
    )


def rows_of_cars(stock: Stock, ids: pl.Series, price: NDArray[np.floating]) -> pl.DataFrame:
    """One row a car: item_id and `ATTRIBUTES`; null where something is unknown.

    Args:
        stock: Cars whose models are those of the market.
        ids: (n,) of the cars.
        price: (n,) euros asked at the moment.
    """
    names = [model.name for model in market.MODELS]
    frame = pl.DataFrame(
        {
            c.ITEM_ID: ids,
            "make": _words(market.MAKES, stock.make),
            "model": _words(names, stock.model),
            "year": stock.year.astype(np.int64),
            "price": price.astype(np.float64),
            "mileage_km": stock.mileage_km.astype(np.float64),
            "fuel": _words(market.FUELS, stock.fuel),
            "gear": _words(market.GEARS, stock.gear),
            "colour": _words(market.COLOURS, stock.colour),
            "body": _words(market.BODIES, stock.body),
            "seats": stock.seats.astype(np.int64),
            "dealer": _dealer_names(stock.dealer),
            "trim": _words(market.TRIMS, stock.trim),
            "extra": _words(market.EXTRAS, stock.extra),
        }
    )
    title = pl.format("{} {} {} {}, {}", "make", "model", "trim", "year", "extra")
    return frame.with_columns(title.alias("title")).drop("trim", "extra")


def _words(names: Sequence[str], codes: NDArray[np.integer]) -> pl.Series:
    """The name of each code."""
    return pl.Series(names, dtype=pl.String).gather(codes.astype(np.uint32))


def _dealer_names(dealer: NDArray[np.integer]) -> pl.Series:
    """Such as `Northgate Motors 17`: distinct for each number."""
    n_places, n_trades = len(market.PLACES), len(market.TRADES)
    number = dealer.astype(np.int64)
    parts = pl.DataFrame(
        {
            "place": _words(market.PLACES, number % n_places),
            "trade": _words(market.TRADES, number // n_places % n_trades),
            "round": number // (n_places * n_trades) + 1,
        }
    )
    return parts.select(pl.format("{} {} {}", "place", "trade", "round")).to_series()

"""Cars of a real catalogue as codes, so that generated visitors can want them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from palate import columns as c
from palate.data.generated.cars import market
from palate.data.generated.cars.stock import Codes, Stock, fates
from palate.types import Float32Array, Int32Array

__all__ = ["model_names", "stock_of"]

_STREAM: Final = 4


def model_names(items: pl.DataFrame) -> list[str]:
    """Make and model of every model in the catalogue, in the order of their codes."""
    return _full_names(items).drop_nulls().unique().sort().to_list()


def stock_of(items: pl.DataFrame, seed: int) -> Stock:
    """The cars of `items`, whose fates are drawn.

    Args:
        items: item_id and the attributes of cars, in the order of rows that is wanted.
        seed: Of the fates.
    """
    n = items.height
    fate = fates(np.random.default_rng([seed, _STREAM]), n)
    price = _numbers(items["price"], np.nan)
    nothing: Codes = np.full(n, -1, np.int16)
    dealers = items["dealer"].unique().sort().drop_nulls().to_list()
    return Stock(
        make=_codes(items["make"], market.MAKES),
        model=_places(_full_names(items), model_names(items)),
        body=_codes(items["body"], market.BODIES),
        fuel=_codes(items["fuel"], market.FUELS),
        gear=_codes(items["gear"], market.GEARS),
        colour=_codes(items["colour"], market.COLOURS),
        trim=nothing,
        extra=nothing,
        year=_numbers(items["year"], -1.0).astype(np.int16),
        seats=_numbers(items["seats"], -1.0).astype(np.int16),
        dealer=_places(items["dealer"], dealers),
        mileage_km=_numbers(items["mileage_km"], np.nan),
        price=price,
        quality=fate.quality,
        exposure=fate.exposure,
        listed_us=fate.listed_us,
        sold_us=fate.sold_us,
        wait_us=fate.wait_us,
        between_us=fate.between_us,
        drop=np.where(np.isnan(price), np.float32(0), fate.drop),  # nobody cuts what is unknown
    )


def _full_names(items: pl.DataFrame) -> pl.Series:
    return items.select(pl.format("{} {}", "make", "model").alias(c.ITEM_ID)).to_series()


def _places(words: pl.Series, known: Sequence[str]) -> Int32Array:
    """(n,) int32 places in `known`; -1 for a word that is not there."""
    places = {word: place for place, word in enumerate(known)}
    found = words.cast(pl.String).replace_strict(places, default=-1, return_dtype=pl.Int32)
    return np.asarray(found.fill_null(-1).to_numpy(), np.int32)


def _codes(words: pl.Series, known: Sequence[str]) -> Codes:
    """The same as codes of a short list."""
    return _places(words, known).astype(np.int16)


def _numbers(values: pl.Series, unknown: float) -> Float32Array:
    return np.asarray(values.cast(pl.Float32).fill_null(unknown).to_numpy(), np.float32)

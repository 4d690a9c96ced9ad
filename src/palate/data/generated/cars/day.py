"""One day as tables: what visitors did, and what they were shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from palate import columns as c
from palate.data.generated.cars import market
from palate.data.generated.cars.choices import Deed, draw_deeds
from palate.data.generated.cars.describe import CONTACT, SAVE, SEARCH, VIEW
from palate.data.generated.cars.pages import (
    SECOND_US,
    Market,
    Pages,
    draw_pages,
    draw_visits,
)
from palate.data.generated.cars.stock import Stock
from palate.data.times import TIMESTAMP_DTYPE
from palate.types import BoolArray, Float32Array, Float64Array, Int64Array

__all__ = ["EVENTS", "IMPRESSIONS", "QUERY", "Day", "Names", "play_day"]

_STREAM: Final = 3
_VISITS: Final = 1 << 12  # at once: memory does not grow with the number of visitors
_HOME: Final = "home"
_SEARCH: Final = "search"

QUERY: Final = pl.Struct(
    {
        "make": pl.String(),
        "body": pl.String(),
        "fuel": pl.String(),
        "price_min": pl.Float64(),
        "price_max": pl.Float64(),
    }
)
EVENTS: Final = pl.Schema(
    {
        c.EVENT_ID: pl.String(),
        c.EVENT: pl.String(),
        c.USER_ID: pl.String(),
        c.ANONYMOUS_ID: pl.String(),
        c.ITEM_ID: pl.String(),
        c.TIMESTAMP: TIMESTAMP_DTYPE,
        c.VALUE: pl.Float64(),
        c.REQUEST_ID: pl.String(),
        c.POSITION: pl.Int64(),
        c.SURFACE: pl.String(),
        c.CONTEXT: QUERY,
    }
)
IMPRESSIONS: Final = pl.Schema(
    {
        c.REQUEST_ID: pl.String(),
        c.USER_ID: pl.String(),
        c.ANONYMOUS_ID: pl.String(),
        c.ITEM_ID: pl.String(),
        c.POSITION: pl.Int64(),
        c.TIMESTAMP: TIMESTAMP_DTYPE,
        c.SURFACE: pl.String(),
        "taken": pl.Boolean(),
    }
)


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on one day, both tables by time.

    Attributes:
        events: Columns `EVENTS`. A search is of no item; what it asked for is its context.
        impressions: Columns `IMPRESSIONS`: every place of every page; `taken` says whether the
            car was looked at.
    """

    events: pl.DataFrame
    impressions: pl.DataFrame


class Names(NamedTuple):
    """Public ids by row."""

    items: pl.Series
    visitors: pl.Series


def play_day(
    seed: int, day: int, stock: Stock, traits: Float32Array, crowd: Market, names: Names
) -> Day:
    """The day number `day`, which the seed alone decides: days can be played in any order."""
    visits = draw_visits(np.random.default_rng([seed, _STREAM, day]), crowd.tastes)
    events, impressions = [EVENTS.to_frame()], [IMPRESSIONS.to_frame()]
    for part, start in enumerate(range(0, len(visits), _VISITS)):
        rng = np.random.default_rng([seed, _STREAM, day, part])
        some = visits.slice(start, start + _VISITS)
        pages = draw_pages(rng, day, some, stock, crowd)
        deeds = draw_deeds(rng, pages, stock, crowd.tastes, traits)
        about = _About(pages, crowd, names, day)
        events.append(about.events(*deeds))
        impressions.append(about.impressions(deeds[0]))
    return Day(
        pl.concat(events).sort(c.TIMESTAMP, c.EVENT_ID),
        pl.concat(impressions).sort(c.TIMESTAMP, c.REQUEST_ID, c.POSITION),
    )


class _About:
    """Pages, and what was done on them, as rows of the tables."""

    def __init__(self, pages: Pages, crowd: Market, names: Names, day: int) -> None:
        self._pages = pages
        self._names = names
        ids = names.visitors.gather(pages.visitor)
        signed_in = pl.Series(crowd.tastes.signed_in[pages.visitor])
        number = pl.format(
            "r{}-{}-{}",
            pl.lit(str(day).zfill(3)),
            pl.col("visit").cast(pl.String).str.zfill(6),
            pl.col("place"),
        )
        self._by_page = pl.DataFrame(
            {"visit": pages.visit, "place": pages.place, "id": ids, "in": signed_in}
        ).select(
            number.alias(c.REQUEST_ID),
            pl.when("in").then("id").alias(c.USER_ID),
            pl.when(~pl.col("in")).then("id").alias(c.ANONYMOUS_ID),
            pl.Series(np.where(pages.searched, _SEARCH, _HOME).tolist(), dtype=pl.String).alias(
                c.SURFACE
            ),
        )

    def events(self, views: Deed, saves: Deed, contacts: Deed) -> pl.DataFrame:
        """Searches, views, saves and contacts."""
        parts = [self._searches()]
        for event, deed in ((VIEW, views), (SAVE, saves), (CONTACT, contacts)):
            frame = self._by_page[deed.page].with_columns(
                pl.lit(event).alias(c.EVENT),
                self._names.items.gather(deed.car).alias(c.ITEM_ID),
                _times(deed.at_us),
                pl.Series(c.POSITION, deed.position),
                pl.lit(None, QUERY).alias(c.CONTEXT),
            )
            parts.append(frame)
        event_id = pl.format(
            "{}-{}-{}",
            pl.col(c.REQUEST_ID),
            pl.col(c.POSITION).fill_null(0).cast(pl.String).str.zfill(2),
            pl.col(c.EVENT),
        )
        return (
            pl.concat(parts, how="diagonal")
            .with_columns(event_id.alias(c.EVENT_ID), pl.lit(None, pl.Float64).alias(c.VALUE))
            .select(EVENTS.names())
            .cast(EVENTS)
        )

    def impressions(self, views: Deed) -> pl.DataFrame:
        """Every place that was filled."""
        pages = self._pages
        taken = np.zeros(pages.cars.shape, np.bool_)
        taken[views.page, views.position] = True
        page, position = np.nonzero(pages.cars >= 0)
        return (
            self._by_page[page]
            .with_columns(
                self._names.items.gather(pages.cars[page, position]).alias(c.ITEM_ID),
                pl.Series(c.POSITION, position),
                _times(pages.at_us[page]),
                pl.Series("taken", taken[page, position]),
            )
            .select(IMPRESSIONS.names())
            .cast(IMPRESSIONS)
        )

    def _searches(self) -> pl.DataFrame:
        pages = self._pages
        rows = np.flatnonzero(pages.searched)
        query = pl.DataFrame(
            {
                "make": _names(market.MAKES, pages.make[rows]),
                "body": _names(market.BODIES, pages.body[rows]),
                "fuel": _names(market.FUELS, pages.fuel[rows]),
                "price_min": _if(pages.lowest[rows], pages.lowest[rows] > 0),
                "price_max": _if(pages.highest[rows], np.isfinite(pages.highest[rows])),
            }
        )
        return self._by_page[rows].with_columns(
            pl.lit(SEARCH).alias(c.EVENT),
            _times(pages.at_us[rows] - SECOND_US),
            query.to_struct(c.CONTEXT),
        )


def _times(at_us: Int64Array) -> pl.Series:
    return pl.Series(c.TIMESTAMP, at_us).cast(TIMESTAMP_DTYPE)


def _names(words: tuple[str, ...], codes: Int64Array) -> pl.Series:
    """The word of each code; null for -1."""
    place = pl.Series(codes).replace(-1, None)
    return pl.Series(words, dtype=pl.String).gather(place)


def _if(numbers: Float64Array, known: BoolArray) -> pl.Series:
    """The numbers, null where they are not known."""
    return pl.Series(np.where(known, numbers, np.nan)).fill_nan(None)

"""A vehicle marketplace with known tastes: cars, visitors, what they do, what dealers change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate import columns as c
from palate.config import Schema
from palate.data.dataset import Dataset
from palate.data.frames import INTERACTIONS
from palate.data.generated.cars import market
from palate.data.generated.cars.changes import find_moves
from palate.data.generated.cars.day import EVENTS, IMPRESSIONS, Day, Names, play_day
from palate.data.generated.cars.describe import (
    ATTRIBUTES,
    SCHEMA,
    SEARCH,
    item_ids,
    rows_of_cars,
)
from palate.data.generated.cars.pages import Market
from palate.data.generated.cars.real import model_names, stock_of
from palate.data.generated.cars.shelves import Shelves
from palate.data.generated.cars.stock import BLOCK, DAY_US, START_US, Stock, stock_blocks, traits_of
from palate.data.generated.cars.tastes import Tastes, draw_tastes
from palate.data.generated.cars.utility import utilities
from palate.data.vocabulary import Vocabulary
from palate.errors import DataError
from palate.types import BoolArray, Float32Array, Int64Array

__all__ = ["Cars"]


class Cars:
    """A marketplace. The same numbers and seed are the same marketplace.

    Time begins on 1 January 2024, which is day 0. Half of the cars are on sale then, the others
    come over `HORIZON_DAYS` days, and cars are sold all the time. A day can be played without
    those before it.

    Args:
        n_items: Cars that ever come on sale; at least 2.
        n_visitors: At least 1; the first of them are the same for every number of them.
        seed: Of everything.

    Raises:
        DataError: A number is too small.
    """

    def __init__(self, n_items: int = 20_000, n_visitors: int = 2_000, seed: int = 42) -> None:
        if n_items < 2 or n_visitors < 1:
            raise DataError(
                f"cannot generate {n_items} cars and {n_visitors} visitors",
                hint="at least 2 cars and 1 visitor",
            )
        self.n_items = n_items
        self.n_visitors = n_visitors
        self.seed = seed
        self._given: pl.DataFrame | None = None

    @classmethod
    def over(cls, items: pl.DataFrame, n_visitors: int = 2_000, seed: int = 42) -> Cars:
        """The same visitors over another catalogue, such as `sources.cars_catalogue.read`.

        Prices stay as they are until a car is sold; when each car comes and goes is drawn.

        Args:
            items: item_id, and those of the attributes of `SCHEMA` that are known. Words that
                are not in the lists of `market` are neither liked nor disliked.
            n_visitors: At least 1.
            seed: Of the visitors and of what becomes of the cars.

        Raises:
            DataError: There are fewer than 2 cars, an id stands twice, or a column is missing.
        """
        made = cls(items.height, n_visitors, seed)
        absent = [name for name in (c.ITEM_ID, *ATTRIBUTES) if name not in items.columns]
        if absent:
            raise DataError(f"the catalogue has no columns {absent}")
        if items[c.ITEM_ID].n_unique() != items.height:
            raise DataError("an item_id stands twice in the catalogue")
        made._given = items.select(c.ITEM_ID, *ATTRIBUTES).sort(c.ITEM_ID)
        return made

    # ------------------------------------------------------------------ cars

    @property
    def schema(self) -> Schema:
        """What events are worth, and the attributes with their scales.

        A `search` is of no item, so the schema does not declare it.
        """
        return SCHEMA

    @cached_property
    def stock(self) -> Stock:
        """All cars as codes, with what is hidden of them."""
        if self._given is not None:
            return stock_of(self._given, self.seed)
        return Stock.joined(list(stock_blocks(self.n_items, self.seed)))

    @cached_property
    def items(self) -> pl.DataFrame:
        """One row a car that ever comes on sale: item_id and attributes as first listed.

        Rows are in the order of ids, and row numbers are those of `utility`.
        """
        return pl.concat(self.item_chunks())

    def item_chunks(self, size: int = BLOCK) -> Iterator[pl.DataFrame]:
        """`items`, `size` rows at a time; a generated car costs no memory once it was given."""
        if self._given is not None:
            yield from self._given.iter_slices(size)
            return
        start = 0
        for part in _resized(stock_blocks(self.n_items, self.seed), size):
            ids = item_ids(start, start + len(part), self.n_items)
            yield rows_of_cars(part, ids, part.price)
            start += len(part)

    @cached_property
    def item_ids(self) -> pl.Series:
        """(n_items,) public ids by row."""
        if self._given is not None:
            return self._given[c.ITEM_ID]
        return item_ids(0, self.n_items, self.n_items)

    def item_rows(self, ids: Sequence[str] | pl.Series) -> Int64Array:
        """(n,) rows of these ids; -1 for one that is no car."""
        return self._item_vocabulary.rows(pl.Series(ids, dtype=pl.String)).astype(np.int64)

    def live(self, day: float) -> BoolArray:
        """(n_items,) whether each car is on sale at that moment, in days since time began."""
        return self.stock.live(START_US + round(day * DAY_US))

    def changes(self, days: int = 30, *, first: int = 0) -> pl.DataFrame:
        """What dealers do in the days from `first` on, by time.

        The changes of day 0 begin with the listing of all cars that are there already. Every
        upsert has all attributes, as upserts replace what was known.

        Returns:
            event_id, event (`item.upserted`, `item.deleted`), item_id, timestamp, why
            (`listed`, `price`, `sold`), and the attributes: null where the car was sold.
        """
        moves = find_moves(self.stock, first, days)
        told = moves.frame(self.item_ids)
        if self._given is not None:
            about = self._given[moves.row]
        else:
            about = rows_of_cars(self.stock.take(moves.row), told[c.ITEM_ID], moves.price)
        about = about.with_columns(pl.Series("price", moves.price).fill_nan(None))
        kept = [pl.when(told["why"] != "sold").then(name).alias(name) for name in ATTRIBUTES]
        return told.hstack(about.select(kept))

    # ------------------------------------------------------------------ visitors

    @cached_property
    def tastes(self) -> Tastes:
        """What visitors want, by row."""
        return draw_tastes(self.n_visitors, self.seed)

    @cached_property
    def visitor_ids(self) -> pl.Series:
        """(n_visitors,) ids by row: user ids of those who signed in, anonymous ids of others."""
        width = len(str(self.n_visitors))
        number = pl.int_range(1, self.n_visitors + 1, eager=True).cast(pl.String)
        return ("v" + number.str.zfill(width)).alias(c.USER_ID)

    def visitor_rows(self, ids: Sequence[str] | pl.Series) -> Int64Array:
        """(n,) rows of these ids; -1 for one that is no visitor."""
        return self._visitor_vocabulary.rows(pl.Series(ids, dtype=pl.String)).astype(np.int64)

    def utility(
        self,
        visitors: NDArray[np.integer] | Sequence[int],
        items: NDArray[np.integer] | Sequence[int],
    ) -> Float32Array:
        """(n, m) how much each visitor likes each car at the price that it was listed for.

        No ranking by anything else suits them better. `pair_utility` is for pairs.
        """
        return self.pair_utility(np.asarray(visitors)[:, None], np.asarray(items)[None, :])

    def pair_utility(
        self, visitors: NDArray[np.integer], items: NDArray[np.integer]
    ) -> Float32Array:
        """The same of pairs: rows of visitors and of cars are broadcast against each other."""
        visitors, items = np.broadcast_arrays(visitors, items)
        price = self.stock.price[items]
        return utilities(self.tastes, visitors, self.stock, items, price, self._traits)

    # ------------------------------------------------------------------ what happens

    def day(self, number: int) -> Day:
        """What visitors did on that day, and what they were shown."""
        return play_day(
            self.seed,
            number,
            self.stock,
            self._traits,
            self._crowd,
            Names(self.item_ids, self.visitor_ids),
        )

    def events(self, days: int = 30, *, first: int = 0) -> pl.DataFrame:
        """What visitors did in the days from `first` on, by time; columns `EVENTS`."""
        played = [self.day(first + n).events for n in range(days)]
        return pl.concat([EVENTS.to_frame(), *played])

    def impressions(self, days: int = 30, *, first: int = 0) -> pl.DataFrame:
        """What visitors were shown in those days, by time; columns `IMPRESSIONS`."""
        played = [self.day(first + n).impressions for n in range(days)]
        return pl.concat([IMPRESSIONS.to_frame(), *played])

    def dataset(self, days: int = 30, *, first: int = 0) -> Dataset:
        """Views, saves and contacts of those days as a dataset, for models.

        Its users are all visitors, by `visitor_ids`; its items are all cars that were listed
        before the last day ended, as first listed, sold ones too.

        Raises:
            DataError: Nobody did anything in those days.
        """
        events = self.events(days, first=first).filter(pl.col(c.EVENT) != SEARCH)
        if events.is_empty():
            raise DataError("nobody did anything in those days", hint="more days, or visitors")
        who = pl.coalesce(c.USER_ID, c.ANONYMOUS_ID).alias(c.USER_ID)
        listed = self.stock.listed_us < START_US + (first + days) * DAY_US
        return Dataset.from_canonical(
            events.with_columns(who).select(INTERACTIONS.names()),
            items=self.items.filter(pl.Series(listed)),
            users=pl.DataFrame({c.USER_ID: self.visitor_ids}),
            schema=self.schema,
            name="cars",
        )

    @cached_property
    def _crowd(self) -> Market:
        return Market(self.tastes, Shelves(self.stock))

    @cached_property
    def _traits(self) -> Float32Array:
        if self._given is None:
            return traits_of([f"{m.make} {m.name}" for m in market.MODELS])
        return traits_of(model_names(self._given))

    @cached_property
    def _item_vocabulary(self) -> Vocabulary:
        return Vocabulary(self.item_ids)

    @cached_property
    def _visitor_vocabulary(self) -> Vocabulary:
        return Vocabulary(self.visitor_ids)


def _resized(parts: Iterator[Stock], size: int) -> Iterator[Stock]:
    """The same cars, `size` at a time."""
    kept: list[Stock] = []
    for part in parts:
        kept.append(part)
        if sum(map(len, kept)) < size:
            continue
        whole = Stock.joined(kept)
        full = len(whole) // size * size
        for start in range(0, full, size):
            yield whole.slice(start, start + size)
        kept = [whole.slice(full, len(whole))]
    rest = Stock.joined(kept)
    if len(rest):
        yield rest

"""One day of visits: who comes, what they ask for, and which cars each page shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from palate.data.generated.cars.shelves import ANY, Shelves
from palate.data.generated.cars.stock import DAY_US, START_US, Stock
from palate.data.generated.cars.tastes import Tastes
from palate.types import BoolArray, Float32Array, Float64Array, Int64Array

__all__ = ["SECOND_US", "SHOWN", "Market", "Pages", "Visits", "draw_pages", "draw_visits"]

SHOWN: Final = 20  # cars on a page, at most
SECOND_US: Final = 1_000_000
_DRAWN: Final = 96  # cars looked at for a page: sold, repeated or too dear ones leave it
_SEARCHES: Final = 0.7  # share of pages that answer a search; others are the home page
_MOST_PAGES: Final = 6  # of a visit
_LATEST: Final = 0.97  # of the day: a visit ends on the day on which it began
_STALE_A_DAY: Final = 0.02  # log odds that a car loses each day that it stands there


class Market(NamedTuple):
    """Who comes, and where the cars stand."""

    tastes: Tastes
    shelves: Shelves


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits of a day, (n,) each.

    Attributes:
        number: Of the visit on its day.
        visitor: Rows of tastes.
        began_us: Microseconds since the day began.
        n_pages: Pages seen.
    """

    number: Int64Array
    visitor: Int64Array
    began_us: Int64Array
    n_pages: Int64Array

    def __len__(self) -> int:
        return len(self.number)

    def slice(self, start: int, stop: int) -> Visits:
        """Visits `start` to `stop`."""
        part = slice(start, stop)
        return Visits(
            self.number[part], self.visitor[part], self.began_us[part], self.n_pages[part]
        )


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages in the order of visits.

    Attributes:
        visit: (p,) number of the visit on its day.
        place: (p,) number of the page in its visit.
        visitor: (p,) rows of tastes.
        at_us: (p,) when the page was shown, microseconds since 1970 UTC.
        make: (p,) code asked for, or `ANY`.
        body: (p,) code asked for, or `ANY`.
        fuel: (p,) code asked for, or `ANY`.
        lowest: (p,) euros asked for at least; 0 where any.
        highest: (p,) euros asked for at most; infinite where any.
        searched: (p,) whether the page answers a search.
        cars: (p, SHOWN) rows in the order of places; -1 for places left empty.
    """

    visit: Int64Array
    place: Int64Array
    visitor: Int64Array
    at_us: Int64Array
    make: Int64Array
    body: Int64Array
    fuel: Int64Array
    lowest: Float64Array
    highest: Float64Array
    searched: BoolArray
    cars: Int64Array


def draw_visits(rng: np.random.Generator, tastes: Tastes) -> Visits:
    """The visits of one day, by the time at which they began."""
    rate = tastes.eagerness.astype(np.float64)
    n = int(rng.poisson(rate.sum()))
    return Visits(
        number=np.arange(n),
        visitor=rng.choice(len(tastes), n, p=rate / rate.sum()),
        began_us=(np.sort(rng.random(n)) * _LATEST * DAY_US).astype(np.int64),
        n_pages=np.minimum(1 + rng.poisson(0.9, n), _MOST_PAGES),
    )


def draw_pages(
    rng: np.random.Generator, day: int, visits: Visits, stock: Stock, market: Market
) -> Pages:
    """The pages of some visits on a day, which counts from 0."""
    tastes, shelves = market
    visitor = np.repeat(visits.visitor, visits.n_pages)
    at = _page_times(rng, visits) + START_US + day * DAY_US
    searched = rng.random(len(visitor)) < _SEARCHES
    make, body = _asked(rng, visitor, searched, shelves, tastes)
    fuel_asked = searched & (rng.random(len(visitor)) < 0.2)
    fuel = np.where(fuel_asked, _wanted(rng, tastes.fuel, visitor), ANY)
    lowest, highest = _band(rng, visitor, searched, tastes)
    searched &= (make != ANY) | (body != ANY) | (fuel != ANY) | np.isfinite(highest)
    drawn = shelves.draw(rng, make, body, _DRAWN)
    price = stock.price_at(drawn, np.broadcast_to(at[:, None], drawn.shape))
    fits = (stock.listed_us[drawn] <= at[:, None]) & (at[:, None] < stock.sold_us[drawn])
    fits &= (fuel[:, None] == ANY) | (stock.fuel[drawn] == fuel[:, None])
    fits &= ~((price < lowest[:, None]) | (price > highest[:, None]))  # unknown prices stay
    cars = _shown(rng, drawn, fits, (at[:, None] - stock.listed_us[drawn]) / DAY_US)
    return Pages(
        visit=np.repeat(visits.number, visits.n_pages),
        place=_places(visits.n_pages),
        visitor=visitor,
        at_us=at,
        make=make,
        body=body,
        fuel=fuel,
        lowest=lowest,
        highest=highest,
        searched=searched,
        cars=cars,
    )


def _places(n_pages: Int64Array) -> Int64Array:
    """(p,) 0, 1, ... within each visit."""
    first = np.cumsum(n_pages) - n_pages
    return np.arange(int(n_pages.sum())) - np.repeat(first, n_pages)


def _page_times(rng: np.random.Generator, visits: Visits) -> Int64Array:
    """(p,) microseconds since the day began; the pages of a visit are 2 to 8 minutes apart."""
    began = np.repeat(visits.began_us, visits.n_pages)
    spent = _places(visits.n_pages) * 300.0 + rng.uniform(100.0, 280.0, len(began))
    return began + (spent * SECOND_US).astype(np.int64)


def _asked(
    rng: np.random.Generator,
    visitor: Int64Array,
    searched: BoolArray,
    shelves: Shelves,
    tastes: Tastes,
) -> tuple[Int64Array, Int64Array]:
    """(p,) make and body of each search: what visitors like, mostly."""
    n = len(visitor)
    by_make = searched & (rng.random(n) < 0.5)
    by_body = searched & (rng.random(n) < 0.5)
    make = np.where(by_make, _wanted(rng, tastes.make, visitor), ANY)
    body = np.where(by_body, _wanted(rng, tastes.body, visitor), ANY)
    nothing = (make != ANY) & (body != ANY) & ~shelves.offers(make, body)
    return make, np.where(nothing, ANY, body)


def _wanted(rng: np.random.Generator, table: Float32Array, visitor: Int64Array) -> Int64Array:
    """(p,) a code for each visitor, by a softmax of twice what they think of it."""
    liked = 2.0 * table[visitor, :-1]
    return np.asarray((liked + rng.gumbel(size=liked.shape)).argmax(axis=1), np.int64)


def _band(
    rng: np.random.Generator, visitor: Int64Array, searched: BoolArray, tastes: Tastes
) -> tuple[Float64Array, Float64Array]:
    """(p,) least and greatest price of half of the searches, round numbers around the budget."""
    asked = searched & (rng.random(len(visitor)) < 0.5)
    budget = tastes.budget[visitor].astype(np.float64)
    width = tastes.width[visitor] * rng.uniform(1.2, 2.5, len(visitor))
    lowest = np.floor(np.exp(budget - width) / 500.0) * 500.0
    highest = np.ceil(np.exp(budget + width) / 500.0) * 500.0
    return np.where(asked, lowest, 0.0), np.where(asked, highest, np.inf)


def _shown(
    rng: np.random.Generator, drawn: Int64Array, fits: BoolArray, age_days: Float64Array
) -> Int64Array:
    """(p, SHOWN) the fitting cars of each page, newer ones first by tendency, none twice."""
    key = rng.gumbel(size=drawn.shape) - _STALE_A_DAY * age_days
    key = np.where(fits & ~_repeated(drawn), key, -np.inf)
    order = np.argsort(-key, axis=1)[:, :SHOWN]
    cars = np.take_along_axis(drawn, order, axis=1)
    return np.where(np.isneginf(np.take_along_axis(key, order, axis=1)), -1, cars)


def _repeated(drawn: Int64Array) -> BoolArray:
    """(p, m) whether the same car stands before in its row."""
    order = np.argsort(drawn, axis=1, kind="stable")
    ordered = np.take_along_axis(drawn, order, axis=1)
    again = np.zeros(drawn.shape, np.bool_)
    again[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    found = np.empty_like(again)
    np.put_along_axis(found, order, again, axis=1)
    return found

"""What visitors do with a page: look at the cars they like best, save some, ask about a few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from palate.data.generated.cars.pages import SECOND_US, Pages
from palate.data.generated.cars.stock import Stock
from palate.data.generated.cars.tastes import Tastes
from palate.data.generated.cars.utility import utilities
from palate.types import BoolArray, Float32Array, Int64Array

__all__ = ["Deed", "draw_deeds"]

_POSITION: Final = 0.04  # log odds that a car loses with each place further down
_SHARPNESS: Final = 1.0  # how much of the log odds of a look is utility
_SAVED_HALF: Final = 6.5  # utility of a car that is saved every other time it is looked at
_CONTACT_HALF: Final = 9.0


@dataclass(frozen=True, slots=True)
class Deed:
    """Something done to cars on pages, (n,) each.

    Attributes:
        page: Rows of the pages.
        position: Places on them, from 0.
        car: Rows of the stock.
        at_us: When, microseconds since 1970 UTC.
    """

    page: Int64Array
    position: Int64Array
    car: Int64Array
    at_us: Int64Array

    def only(self, chosen: BoolArray) -> Deed:
        """Those of `chosen`."""
        return Deed(self.page[chosen], self.position[chosen], self.car[chosen], self.at_us[chosen])


def draw_deeds(
    rng: np.random.Generator, pages: Pages, stock: Stock, tastes: Tastes, traits: Float32Array
) -> tuple[Deed, Deed, Deed]:
    """Views, saves and contacts; nothing happens to a car from the moment it is sold.

    The cars looked at are drawn without replacement by a softmax of utility less what the place
    costs (the largest of log weight plus Gumbel noise: Efraimidis and Spirakis 2006); what is
    saved or asked about was looked at before.
    """
    u = _of_pages(pages, stock, tastes, traits)
    views = _views(rng, pages, u)
    liked = u[views.page, views.position]
    saved = rng.random(len(liked)) < 1.0 / (1.0 + np.exp(_SAVED_HALF - liked))
    asked = rng.random(len(liked)) < 1.0 / (1.0 + np.exp(_CONTACT_HALF - liked))
    saves = _later(rng, views.only(saved), 3.0, 12.0)
    contacts = _later(rng, views.only(asked), 12.0, 20.0)
    views, saves, contacts = (
        deed.only(deed.at_us < stock.sold_us[deed.car]) for deed in (views, saves, contacts)
    )
    return views, saves, contacts


def _of_pages(pages: Pages, stock: Stock, tastes: Tastes, traits: Float32Array) -> Float32Array:
    """(p, SHOWN) float32 utilities; -inf where a place is empty."""
    cars = np.maximum(pages.cars, 0)
    price = stock.price_at(cars, np.broadcast_to(pages.at_us[:, None], cars.shape))
    u = utilities(tastes, pages.visitor[:, None], stock, cars, price, traits)
    return np.where(pages.cars < 0, np.float32(-np.inf), u)


def _views(rng: np.random.Generator, pages: Pages, u: Float32Array) -> Deed:
    """What is looked at, some 25 seconds each, by page and then in that order."""
    n_pages, shown = u.shape
    key = _SHARPNESS * u - _POSITION * np.arange(shown) + rng.gumbel(size=u.shape)
    order = np.argsort(-key, axis=1)
    wanted = np.minimum(rng.poisson(1.9, n_pages), 8)
    turn = np.arange(shown)
    filled = np.take_along_axis(pages.cars, order, axis=1) >= 0
    page, nth = np.nonzero((turn < wanted[:, None]) & filled)
    position = order[page, nth]
    seconds = 5.0 + 25.0 * nth + rng.uniform(0.0, 5.0, len(page))
    at = pages.at_us[page] + (seconds * SECOND_US).astype(np.int64)
    return Deed(page, position, pages.cars[page, position], at)


def _later(rng: np.random.Generator, deed: Deed, low: float, high: float) -> Deed:
    """The same some seconds later."""
    seconds = rng.uniform(low, high, len(deed.page))
    at = deed.at_us + (seconds * SECOND_US).astype(np.int64)
    return Deed(deed.page, deed.position, deed.car, at)

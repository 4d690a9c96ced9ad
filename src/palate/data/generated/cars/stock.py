"""Every car that is ever on sale: its attributes as codes, and what nobody is told of it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from palate.data.generated.cars import market
from palate.types import Float32Array, Float64Array, Int32Array, Int64Array

__all__ = [
    "BLOCK",
    "DAY_US",
    "HORIZON_DAYS",
    "START_US",
    "THIS_YEAR",
    "TRAITS",
    "Codes",
    "Stock",
    "draw_block",
    "fates",
    "stock_blocks",
    "traits_of",
]

Codes = NDArray[np.int16]

BLOCK: Final = 1 << 15  # cars drawn from one stream of random numbers
DAY_US: Final = 86_400_000_000
START_US: Final = 1_704_067_200_000_000  # 1 January 2024
THIS_YEAR: Final = 2024
HORIZON_DAYS: Final = 60  # days in which cars arrive
AT_START: Final = 0.5  # share of all cars that are on sale when time begins
TRAITS: Final = 3  # hidden traits of a model
MEAN_DAYS_ON_SALE: Final = 60.0
MOST_DROPS: Final = 4  # of a car's price
CARS_A_DEALER: Final = 150
_STREAM: Final = 1


@dataclass(frozen=True, slots=True)
class Stock:
    """Cars by row, (n,) each. Codes are places in the lists of `market`; -1 is unknown.

    Attributes:
        make: Of `MAKES`.
        model: Of `MODELS`; of the models of a real catalogue otherwise.
        body: Of `BODIES`.
        fuel: Of `FUELS`.
        gear: Of `GEARS`.
        colour: Of `COLOURS`.
        trim: Of `TRIMS`.
        extra: Of `EXTRAS`.
        year: Of first registration; -1 is unknown.
        seats: Number of seats; -1 is unknown.
        dealer: Number of the dealer, the largest first.
        mileage_km: NaN where unknown.
        price: Euros when first listed; NaN where unknown.
        quality: Hidden: what makes this very car better than its attributes say, about N(0, 0.5).
        exposure: Hidden: how often it is shown, relative to others; above 0.
        listed_us: When it came on sale, microseconds since 1970 UTC.
        sold_us: When it was sold; nothing is heard of it from then on.
        wait_us: From listing to the first price cut.
        between_us: From one price cut to the next.
        drop: Share of the price that each cut takes off; 0 for a price that stays.
    """

    make: Codes
    model: Int32Array
    body: Codes
    fuel: Codes
    gear: Codes
    colour: Codes
    trim: Codes
    extra: Codes
    year: Codes
    seats: Codes
    dealer: Int32Array
    mileage_km: Float32Array
    price: Float32Array
    quality: Float32Array
    exposure: Float32Array
    listed_us: Int64Array
    sold_us: Int64Array
    wait_us: Int64Array
    between_us: Int64Array
    drop: Float32Array

    def __len__(self) -> int:
        return len(self.make)

    def slice(self, start: int, stop: int) -> Stock:
        """Rows `start` to `stop`, views of these."""
        return Stock(*(getattr(self, f.name)[start:stop] for f in fields(self)))

    def take(self, rows: NDArray[np.integer]) -> Stock:
        """Copies of these rows, in this order."""
        return Stock(*(getattr(self, f.name)[rows] for f in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence[Stock]) -> Stock:
        """All rows of the parts, in their order."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))

    def drops_before(self, rows: NDArray[np.integer], at_us: Int64Array) -> Int64Array:
        """How many price cuts the cars `rows` have had by the times `at_us`, of one shape."""
        since = at_us - self.listed_us[rows] - self.wait_us[rows]
        cuts = since // self.between_us[rows] + 1
        return np.where(self.drop[rows] > 0, np.clip(cuts, 0, MOST_DROPS), 0)

    def price_at(self, rows: NDArray[np.integer], at_us: Int64Array) -> Float64Array:
        """Euros that the cars `rows` cost at the times `at_us`, of one shape; NaN is unknown."""
        cuts = self.drops_before(rows, at_us)
        price = self.price[rows].astype(np.float64) * (1.0 - self.drop[rows]) ** cuts
        return np.asarray(np.where(cuts > 0, np.floor(price), price), np.float64)

    def live(self, at_us: int) -> NDArray[np.bool_]:
        """(n,) whether each car is on sale at that moment."""
        return np.asarray((self.listed_us <= at_us) & (at_us < self.sold_us))


@dataclass(frozen=True, slots=True)
class _Fates:
    quality: Float32Array
    exposure: Float32Array
    listed_us: Int64Array
    sold_us: Int64Array
    wait_us: Int64Array
    between_us: Int64Array
    drop: Float32Array


def stock_blocks(n_items: int, seed: int) -> Iterator[Stock]:
    """All cars, `BLOCK` at a time; the memory of one block is all that is needed."""
    n_dealers = max(3, n_items // CARS_A_DEALER)
    for block, start in enumerate(range(0, n_items, BLOCK)):
        yield draw_block(np.random.default_rng([seed, _STREAM, block]), n_dealers).slice(
            0, min(BLOCK, n_items - start)
        )


def draw_block(rng: np.random.Generator, n_dealers: int) -> Stock:
    """`BLOCK` cars: a model by its share, then all that follows from it."""
    table = _TABLE
    model = rng.choice(len(market.MODELS), BLOCK, p=table.share)
    fuel = (rng.random(BLOCK)[:, None] > table.fuels[model]).sum(axis=1)
    age = np.minimum(rng.gamma(1.7, 3.0, BLOCK), np.where(fuel == _ELECTRIC, 8.0, 24.0))
    mileage = _mileage(rng, age, fuel)
    trim = rng.choice(len(market.TRIMS), BLOCK, p=_TRIM_SHARES)
    noise = rng.normal(0.0, 0.07, BLOCK)
    worth = np.log(table.new_price[model]) + 0.07 * (trim - 1.5)
    price = np.exp(worth - 0.13 * age - 1.6e-6 * mileage + noise)
    gear = rng.random(BLOCK) < _automatic(table.new_price[model], fuel)
    fate = fates(rng, BLOCK)
    return Stock(
        make=table.make[model],
        model=model.astype(np.int32),
        body=table.body[model],
        fuel=fuel.astype(np.int16),
        gear=gear.astype(np.int16),
        colour=_chosen(rng, market.COLOUR_SHARES),
        trim=trim.astype(np.int16),
        extra=rng.integers(0, len(market.EXTRAS), BLOCK, dtype=np.int16),
        year=(THIS_YEAR - np.floor(age)).astype(np.int16),
        seats=table.seats[model],
        dealer=_dealers(rng, table.make[model], n_dealers),
        mileage_km=mileage.astype(np.float32),
        price=(np.round(price / 100.0) * 100.0 - 10.0).clip(490.0).astype(np.float32),
        quality=fate.quality,
        # A car that is cheap for what it is stands higher in every list.
        exposure=(fate.exposure * np.exp(-3.0 * noise)).astype(np.float32),
        listed_us=fate.listed_us,
        sold_us=fate.sold_us,
        wait_us=fate.wait_us,
        between_us=fate.between_us,
        drop=fate.drop,
    )


def fates(rng: np.random.Generator, n: int) -> _Fates:
    """What becomes of `n` cars: when they come, what they are cut to, when they go."""
    quality = rng.normal(0.0, 0.5, n)
    exposure = np.exp(rng.normal(0.0, 0.9, n) + 0.6 * quality)
    arrives = rng.random(n) * HORIZON_DAYS * DAY_US
    before = rng.random(n) * 30 * DAY_US  # those on sale at the start came in the month before
    listed = np.where(rng.random(n) < AT_START, -before, arrives).astype(np.int64)
    lasts = rng.exponential(MEAN_DAYS_ON_SALE, n) * np.exp(-0.4 * quality) + 0.5
    sold = np.maximum(listed, 0) + (lasts * DAY_US).astype(np.int64)
    return _Fates(
        quality.astype(np.float32),
        exposure.astype(np.float32),
        listed + START_US,
        sold + START_US,
        (rng.uniform(4.0, 20.0, n) * DAY_US).astype(np.int64),
        (rng.uniform(5.0, 15.0, n) * DAY_US).astype(np.int64),
        np.where(rng.random(n) < 0.7, rng.uniform(0.01, 0.06, n), 0.0).astype(np.float32),
    )


def traits_of(names: Sequence[str]) -> Float32Array:
    """(n, TRAITS) hidden traits of models, N(0, 1): the same for a name in every catalogue."""
    drawn = [np.random.default_rng(zlib.crc32(n.encode())).normal(size=TRAITS) for n in names]
    return np.array(drawn, np.float32).reshape(-1, TRAITS)


class _Table:
    """The models of the market by code, as arrays."""

    def __init__(self) -> None:
        models = market.MODELS
        self.make: Codes = np.array([market.MAKES.index(m.make) for m in models], np.int16)
        self.body: Codes = np.array([market.BODIES.index(m.body) for m in models], np.int16)
        self.seats: Codes = np.array([m.seats for m in models], np.int16)
        self.new_price: Float64Array = np.array([m.new_price for m in models])
        self.share: Float64Array = market.shares(tuple(m.share for m in models))
        mixes = {k: market.shares(mix).cumsum()[:-1] for k, mix in market.FUEL_MIXES.items()}
        self.fuels: Float64Array = np.array([mixes[m.fuel_mix] for m in models])


_TABLE: Final = _Table()
_TRIM_SHARES: Final = market.shares((18, 22, 26, 18, 11, 5))
_ELECTRIC: Final = market.FUELS.index("electric")
_DIESEL: Final = market.FUELS.index("diesel")


def _chosen(rng: np.random.Generator, weights: tuple[float, ...]) -> Codes:
    return rng.choice(len(weights), BLOCK, p=market.shares(weights)).astype(np.int16)


def _mileage(rng: np.random.Generator, age: Float64Array, fuel: Int64Array) -> Float64Array:
    """Kilometres: some 13,000 a year, diesels more; a car of no age has a few."""
    yearly = np.where(fuel == _DIESEL, 17_500.0, 12_000.0) * rng.lognormal(-0.06, 0.35, BLOCK)
    return np.round(np.minimum(age * yearly, 420_000.0) + rng.integers(5, 60, BLOCK))


def _automatic(new_price: Float64Array, fuel: Int64Array) -> Float64Array:
    """The chance of an automatic gear: dear cars have one, electric ones always."""
    chance = 1.0 / (1.0 + np.exp(-(new_price - 42_000.0) / 9_000.0))
    return np.where(fuel == _ELECTRIC, 1.0, np.where(fuel > _DIESEL, 0.9, chance))


def _dealers(rng: np.random.Generator, make: Codes, n_dealers: int) -> Int32Array:
    """Dealers by the law of Zipf and Mandelbrot; most cars stand with a dealer of their make."""
    largest = 10.0  # the law's density is 1 / (x + largest)
    growth = (n_dealers + largest) / largest
    rank = (largest * (growth ** rng.random(BLOCK) - 1.0)).astype(np.int64)
    n_makes = len(market.MAKES)
    own = rank // n_makes * n_makes + make
    franchised = (rng.random(BLOCK) < 0.6) & (own < n_dealers) & (rank >= n_makes)
    return np.where(franchised, own, rank).clip(0, n_dealers - 1).astype(np.int32)

"""What visitors want, and do not say: hidden tastes, drawn by kinds of people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from palate.data.generated.cars import market
from palate.data.generated.cars.stock import TRAITS
from palate.types import BoolArray, Float32Array, Float64Array, Int64Array

__all__ = ["KINDS", "Kind", "Tastes", "draw_tastes"]

_BLOCK: Final = 1 << 12  # visitors drawn from one stream of random numbers
_STREAM: Final = 2


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of people; each of them differs from it.

    Attributes:
        name: For people who read this.
        share: Of all visitors, relative.
        budget: Middle of their budgets, euros.
        age: The age of a car in years that they do not mind yet.
        bodies: Liked ones.
        fuels: Liked ones.
        makes: Liked more often than elsewhere.
        automatic: How much an automatic gear is worth to them.
        extras: Liked words of the title.
    """

    name: str
    share: float
    budget: float
    age: float
    bodies: tuple[str, ...]
    fuels: tuple[str, ...]
    makes: tuple[str, ...]
    automatic: float
    extras: tuple[str, ...]


KINDS: Final = (
    Kind("first car", 18, 7_000, 12, ("hatchback",), ("petrol", "LPG"),
         ("Volkswagen", "Opel", "Ford", "Fiat"), -0.6, ("one owner",)),
    Kind("town", 17, 13_000, 7, ("hatchback", "SUV"), ("petrol", "hybrid", "electric"),
         ("Toyota", "Mini", "Fiat", "Suzuki", "Renault"), 0.4, ("navigation",)),
    Kind("family", 22, 21_000, 6, ("estate", "MPV", "SUV"), ("diesel", "hybrid"),
         ("Skoda", "Volkswagen", "Ford", "Seat", "Kia"), 0.0, ("full service history",)),
    Kind("long way", 13, 19_000, 6, ("estate", "saloon"), ("diesel",),
         ("Audi", "BMW", "Volkswagen", "Volvo"), 0.6, ("heated seats",)),
    Kind("premium", 11, 48_000, 3, ("SUV", "saloon", "coupe"), ("petrol", "plug-in hybrid"),
         ("Mercedes-Benz", "BMW", "Audi", "Porsche", "Land Rover"), 1.2, ("panoramic roof",)),
    Kind("fun", 7, 32_000, 9, ("coupe", "convertible"), ("petrol",),
         ("Porsche", "BMW", "Mazda", "Alfa Romeo", "Jaguar"), -0.5, ("sport suspension",)),
    Kind("quiet future", 7, 36_000, 4, ("SUV", "saloon", "hatchback"), ("electric",),
         ("Tesla", "Hyundai", "Kia", "BMW", "Volkswagen"), 1.0, ("two years of warranty",)),
    Kind("trade", 5, 19_000, 8, ("van", "pickup"), ("diesel",),
         ("Ford", "Volkswagen", "Mercedes-Benz", "Renault"), -0.3, ("tow bar",)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tastes:
    """Of visitors by row: log odds that each value adds to a car, about -2 to 3.

    A table's columns are the values of a list of `market`, and one more of zeros, so that code
    -1 (unknown) is worth nothing.

    Attributes:
        kind: (n,) int64, of `KINDS`.
        make: (n, n_makes + 1) float32.
        body: (n, n_bodies + 1) float32.
        fuel: (n, n_fuels + 1) float32.
        gear: (n, n_gears + 1) float32.
        colour: (n, n_colours + 1) float32.
        extra: (n, n_extras + 1) float32.
        traits: (n, TRAITS) float32: what a model's hidden traits are worth.
        budget: (n,) float32, natural logarithm of euros.
        width: (n,) float32, how far from it a price may be, on that scale.
        age: (n,) float32, years.
        age_cost: (n,) float32, of each further year.
        distance_cost: (n,) float32, of 100,000 km.
        eagerness: (n,) float32, visits a day, about 0.12 on average.
        signed_in: (n,) bool, whether they have an account; all others are anonymous.
    """

    kind: Int64Array
    make: Float32Array
    body: Float32Array
    fuel: Float32Array
    gear: Float32Array
    colour: Float32Array
    extra: Float32Array
    traits: Float32Array
    budget: Float32Array
    width: Float32Array
    age: Float32Array
    age_cost: Float32Array
    distance_cost: Float32Array
    eagerness: Float32Array
    signed_in: BoolArray

    def __len__(self) -> int:
        return len(self.kind)


def draw_tastes(n_visitors: int, seed: int) -> Tastes:
    """The first `n_visitors` of the visitors that `seed` stands for."""
    parts = [
        _draw(np.random.default_rng([seed, _STREAM, block]))
        for block in range(-(-n_visitors // _BLOCK))
    ]
    return Tastes(
        *(np.concatenate([getattr(p, f.name) for p in parts])[:n_visitors] for f in fields(Tastes))
    )


def _draw(rng: np.random.Generator) -> Tastes:
    n = _BLOCK
    kind = rng.choice(len(KINDS), n, p=market.shares(tuple(k.share for k in KINDS)))
    budget = np.log([k.budget for k in KINDS])[kind] + rng.normal(0.0, 0.35, n)
    gear = np.zeros((n, len(market.GEARS)))
    gear[:, 1] = np.array([k.automatic for k in KINDS])[kind] + rng.normal(0.0, 0.5, n)
    return Tastes(
        kind=kind,
        make=_with_zero(_makes(rng, kind)),
        body=_with_zero(_liked(rng, _member("bodies", market.BODIES)[kind], 2.2)),
        fuel=_with_zero(_liked(rng, _member("fuels", market.FUELS)[kind], 1.2)),
        gear=_with_zero(gear),
        colour=_with_zero(_colours(rng)),
        extra=_with_zero(_liked(rng, _member("extras", market.EXTRAS)[kind], 0.7)),
        traits=rng.normal(0.0, 0.4, (n, TRAITS)).astype(np.float32),
        budget=budget.astype(np.float32),
        width=rng.uniform(0.25, 0.5, n).astype(np.float32),
        age=(np.array([k.age for k in KINDS])[kind] * rng.lognormal(0, 0.25, n)).astype(np.float32),
        age_cost=rng.uniform(0.1, 0.5, n).astype(np.float32),
        distance_cost=rng.uniform(0.2, 1.0, n).astype(np.float32),
        eagerness=(0.12 * rng.lognormal(-0.5, 1.0, n)).astype(np.float32),
        signed_in=rng.random(n) < 0.15,
    )


def _member(what: str, names: Sequence[str]) -> BoolArray:
    """(n_kinds, n) whether each kind of people likes each of `names`."""
    return np.array([[name in getattr(kind, what) for name in names] for kind in KINDS])


def _liked(rng: np.random.Generator, liked: BoolArray, strength: float) -> Float64Array:
    """`strength`, more or less, for what is liked; a little noise for everything."""
    n = len(liked)
    own = rng.lognormal(-0.1, 0.4, (n, 1)) * rng.uniform(0.5, 1.2, liked.shape)
    return np.asarray(strength * own * liked + rng.normal(0.0, 0.25, liked.shape))


def _makes(rng: np.random.Generator, kind: Int64Array) -> Float64Array:
    """One to three favourites, often those of the kind, and one that is not wanted."""
    n, n_makes = len(kind), len(market.MAKES)
    sold = np.zeros(n_makes)
    for model in market.MODELS:
        sold[market.MAKES.index(model.make)] += model.share
    chance = np.log(sold / sold.sum()) + 1.6 * _member("makes", market.MAKES)[kind]
    place = (-(chance + rng.gumbel(size=(n, n_makes)))).argsort(axis=1).argsort(axis=1)
    favourite = place < rng.integers(1, 4, n)[:, None]
    unwanted = rng.integers(0, n_makes, n)[:, None] == np.arange(n_makes)
    strength = rng.uniform(1.2, 2.4, (n, n_makes)) * rng.lognormal(-0.1, 0.4, (n, 1))
    noise = rng.normal(0.0, 0.2, (n, n_makes))
    return np.asarray(strength * favourite - 1.5 * (unwanted & ~favourite) + noise)


def _colours(rng: np.random.Generator) -> Float64Array:
    """One or two favourites, one that is not wanted; some people do not care."""
    n, n_colours = _BLOCK, len(market.COLOURS)
    chance = np.log(market.shares(market.COLOUR_SHARES)) + rng.gumbel(size=(n, n_colours))
    place = (-chance).argsort(axis=1).argsort(axis=1)
    favourite = place < rng.integers(1, 3, n)[:, None]
    unwanted = rng.integers(0, n_colours, n)[:, None] == np.arange(n_colours)
    care = rng.lognormal(-0.2, 0.6, (n, 1))
    return np.asarray(care * (1.3 * favourite - 1.0 * (unwanted & ~favourite)))


def _with_zero(table: Float64Array) -> Float32Array:
    """The table, and a column of zeros at its end."""
    return np.pad(table, ((0, 0), (0, 1))).astype(np.float32)

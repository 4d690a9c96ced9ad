r"""How much a visitor likes a car: the truth that models are judged by.

    u(v, i) = make_v[i] + body_v[i] + fuel_v[i] + gear_v[i] + colour_v[i] + extra_v[i]
              + <traits_v, traits of i's model> + quality_i
              - min(4, ((ln price - budget_v) / width_v)^2 / 2)
              - age_cost_v max(0, age - age_v) - distance_cost_v km / 100,000

A car too cheap for a budget is as unwanted as one too dear; what is unknown of a car adds nothing.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from palate.data.generated.cars.stock import THIS_YEAR, Stock
from palate.data.generated.cars.tastes import Tastes
from palate.types import Float32Array, Float64Array

__all__ = ["utilities"]

_WORST_PRICE: Final = 4.0
_WORST_AGE: Final = 3.0


def utilities(
    tastes: Tastes,
    visitors: NDArray[np.integer],
    stock: Stock,
    cars: NDArray[np.integer],
    price: NDArray[np.floating],
    traits: Float32Array,
) -> Float32Array:
    """The u of pairs; `visitors`, `cars` and `price` are broadcast against each other.

    Args:
        tastes: Of all visitors.
        visitors: Rows of `tastes`, such as (n, 1).
        stock: All cars.
        cars: Rows of `stock`, such as (n, m).
        price: Euros asked for the cars, shaped like them; NaN where unknown.
        traits: (n_models, TRAITS) of the models that `stock` names.

    Returns:
        float32 of the broadcast shape, such as (n, m).
    """
    u = stock.quality[cars] + tastes.make[visitors, stock.make[cars]]
    for table, code in (
        (tastes.body, stock.body),
        (tastes.fuel, stock.fuel),
        (tastes.gear, stock.gear),
        (tastes.colour, stock.colour),
        (tastes.extra, stock.extra),
    ):
        u += table[visitors, code[cars]]
    model = stock.model[cars]
    for k in range(traits.shape[1]):
        u += tastes.traits[visitors, k] * np.where(model < 0, 0.0, traits[model, k])
    u -= _price_cost(tastes, visitors, price)
    year = stock.year[cars]
    too_old = np.where(year < 0, 0.0, (THIS_YEAR - year) - tastes.age[visitors]).clip(0.0)
    u -= np.minimum(tastes.age_cost[visitors] * too_old, _WORST_AGE)
    distance = np.nan_to_num(stock.mileage_km[cars]) / 100_000.0
    return np.asarray(u - tastes.distance_cost[visitors] * distance, np.float32)


def _price_cost(
    tastes: Tastes, visitors: NDArray[np.integer], price: NDArray[np.floating]
) -> Float64Array:
    apart = (np.log(np.maximum(price, 1.0)) - tastes.budget[visitors]) / tastes.width[visitors]
    return np.asarray(np.nan_to_num(np.minimum(apart * apart / 2.0, _WORST_PRICE)))

"""The hidden taste: the formula by hand, unknown attributes, shapes, people who differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from palate.data.generated.cars import Cars
from palate.data.generated.cars.market import MODELS
from palate.data.generated.cars.stock import THIS_YEAR, traits_of
from palate.data.generated.cars.tastes import KINDS, draw_tastes
from palate.data.generated.cars.utility import utilities


def test_the_formula_by_hand() -> None:
    cars = Cars(50, 5, seed=4)
    tastes, stock = cars.tastes, cars.stock
    v, i = 3, 17
    model = MODELS[stock.model[i]]
    expected = stock.quality[i] + tastes.make[v, stock.make[i]]
    expected += tastes.body[v, stock.body[i]] + tastes.fuel[v, stock.fuel[i]]
    expected += tastes.gear[v, stock.gear[i]] + tastes.colour[v, stock.colour[i]]
    expected += tastes.extra[v, stock.extra[i]]
    expected += tastes.traits[v] @ traits_of([f"{model.make} {model.name}"])[0]
    apart = (np.log(stock.price[i]) - tastes.budget[v]) / tastes.width[v]
    expected -= min(4.0, apart**2 / 2)
    years = max(0.0, THIS_YEAR - stock.year[i] - tastes.age[v])
    expected -= min(3.0, tastes.age_cost[v] * years)
    expected -= tastes.distance_cost[v] * stock.mileage_km[i] / 100_000
    assert cars.utility([v], [i])[0, 0] == pytest.approx(expected, rel=1e-5)


def test_shapes_and_pairs() -> None:
    cars = Cars(60, 9, seed=4)
    table = cars.utility(np.arange(9), np.arange(60))
    assert table.shape == (9, 60)
    assert table.dtype == np.float32
    pairs = cars.pair_utility(np.array([0, 8, 3]), np.array([59, 0, 3]))
    np.testing.assert_array_equal(pairs, table[[0, 8, 3], [59, 0, 3]])


def test_what_is_unknown_adds_nothing() -> None:
    cars = Cars(40, 6, seed=9)
    everything = np.arange(40)
    blank = np.full(40, -1, np.int16)
    unknown = np.full(40, np.nan, np.float32)
    stock = replace(
        cars.stock,
        make=blank,
        model=blank.astype(np.int32),
        body=blank,
        fuel=blank,
        gear=blank,
        colour=blank,
        extra=blank,
        year=blank,
        mileage_km=unknown,
    )
    traits = traits_of(["a model"])
    u = utilities(cars.tastes, np.arange(6)[:, None], stock, everything, unknown, traits)
    np.testing.assert_allclose(u, np.broadcast_to(stock.quality, (6, 40)), rtol=1e-6)


def test_people_differ_and_kinds_are_alike() -> None:
    cars = Cars(400, 2_000, seed=1)
    u = cars.utility(np.arange(2_000), np.arange(400)).astype(np.float64)
    u -= u.mean(axis=0)
    kind = cars.tastes.kind
    assert len(np.unique(kind)) == len(KINDS)
    of_kind = np.array([u[kind == k].mean(axis=0) for k in range(len(KINDS))])
    explained = of_kind[kind].var() / u.var()
    assert 0.2 < explained < 0.8  # kinds are real, and nobody is only of a kind


def test_a_budget_is_a_middle() -> None:
    """A car too cheap is as unwanted as one too dear."""
    cars = Cars(10, 1, seed=1)
    budget, width = float(cars.tastes.budget[0]), float(cars.tastes.width[0])
    price = np.exp(budget + width * np.array([-1.0, 0.0, 1.0, 50.0]))
    same = np.zeros(4, np.int64)
    traits = traits_of([f"{m.make} {m.name}" for m in MODELS])
    u = utilities(cars.tastes, same, cars.stock, same, price, traits)
    np.testing.assert_allclose(u - u[1], [-0.5, 0.0, -0.5, -4.0], atol=1e-4)


def test_tastes_of_the_first_visitors_do_not_depend_on_how_many_there_are() -> None:
    few, many = draw_tastes(10, 3), draw_tastes(5_000, 3)
    np.testing.assert_array_equal(few.make, many.make[:10])
    np.testing.assert_array_equal(few.eagerness, many.eagerness[:10])
    assert 0.1 < many.signed_in.mean() < 0.2
    assert not few.make[:, -1].any()
    assert not few.colour[:, -1].any()

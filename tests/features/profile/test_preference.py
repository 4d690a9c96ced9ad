"""Preferences: formulas by hand, the prior recovered, and shrinkage that pays."""

from __future__ import annotations

import math

import numpy as np
import pytest

from palate.config import Attribute
from palate.errors import ConfigError, DataError, StoreError
from palate.features.profile import (
    CategoryPrior,
    Moments,
    NumberPrior,
    Prior,
    ProfileDefinition,
    Statistics,
    learn_prior,
    preferences,
)
from palate.types import AttributeKind

NOW_US = 1_700_000_000_000_000
DEFINITION = ProfileDefinition(
    attributes={
        "colour": Attribute(kind=AttributeKind.CATEGORY),
        "price": Attribute(kind=AttributeKind.NUMBER),
    }
)
PRIOR = Prior(
    DEFINITION.fingerprint,
    3,
    {"colour": CategoryPrior({"red": 1.0, "blue": 2.5}, 0.5)},
    {"price": NumberPrior(10.0, 2.0, 3.0, 8.0)},
)


def person(colours: dict[str, float] | None = None, price: Moments | None = None) -> Statistics:
    return Statistics(
        DEFINITION.fingerprint,
        NOW_US,
        {"colour": colours} if colours else {},
        {"price": price} if price else {},
    )


def test_somebody_who_did_nothing_is_average() -> None:
    found = preferences(Statistics.empty(DEFINITION), PRIOR, NOW_US, DEFINITION)
    assert found.prior == 3
    colour, price = found.categories["colour"], found.numbers["price"]
    assert colour.probability == {"red": 0.25, "blue": 0.625}
    assert (colour.rest, colour.events) == (0.125, 0.0)
    assert (price.mean, price.spread**2, price.events) == pytest.approx((10.0, 4.0, 0.0))
    assert price.deviation**2 == pytest.approx(2.0)


def test_the_formulas_by_hand() -> None:
    found = preferences(
        person({"red": 2.0, "green": 1.0}, Moments(2.0, 16.0, 4.0)), PRIOR, NOW_US, DEFINITION
    )
    colour, price = found.categories["colour"], found.numbers["price"]
    # red (1 + 2), blue 2.5, green (0.5 + 1), rest 0.5: 7.5 in all
    assert colour.probability == pytest.approx({"red": 0.4, "blue": 1 / 3, "green": 0.2})
    assert colour.rest == pytest.approx(1 / 15)
    assert colour.deviation["red"] == pytest.approx(math.sqrt(0.4 * 0.6 / 8.5))
    # kappa 4, m (2*10 + 2*16)/4 = 13, a 4, b 8 + 2 + 2*2*36/8 = 28
    assert price.mean == pytest.approx(13.0)
    assert price.spread**2 == pytest.approx(28 / 3)
    assert price.deviation**2 == pytest.approx(28 / 12)


def test_time_leads_back_to_the_average() -> None:
    kept = person({"red": 100.0}, Moments(100.0, 20.0, 1.0))
    later = NOW_US + int(3000 * DEFINITION.half_life_us)
    found = preferences(kept, PRIOR, later, DEFINITION)
    average = preferences(Statistics.empty(DEFINITION), PRIOR, later, DEFINITION)
    assert found.categories["colour"] == average.categories["colour"]
    assert found.numbers["price"].mean == average.numbers["price"].mean


def test_certainty_grows_with_events() -> None:
    deviations = [
        preferences(person({"red": 0.6 * n, "blue": 0.4 * n}), PRIOR, NOW_US, DEFINITION)
        .categories["colour"]
        .deviation["red"]
        for n in (1, 10, 100, 1000)
    ]
    assert deviations == sorted(deviations, reverse=True)
    assert deviations[-1] < 0.02


def test_another_definition_is_refused() -> None:
    other = DEFINITION.model_copy(update={"half_life_days": 1.0})
    with pytest.raises(StoreError, match="rebuild"):
        preferences(Statistics.empty(other), PRIOR, NOW_US, DEFINITION)
    with pytest.raises(StoreError, match="rebuild"):
        preferences(Statistics.empty(other), PRIOR, NOW_US, other)


@pytest.mark.parametrize(
    ("alpha", "other"), [({"red": 0.0}, 1.0), ({"red": 1.0}, 0.0), ({"red": -1.0}, 1.0)]
)
def test_impossible_dirichlets(alpha: dict[str, float], other: float) -> None:
    with pytest.raises(ConfigError):
        CategoryPrior(alpha, other)


@pytest.mark.parametrize(("kappa", "a", "b"), [(0.0, 2.0, 1.0), (1.0, 1.0, 1.0), (1.0, 2.0, 0.0)])
def test_impossible_normal_inverse_gammas(kappa: float, a: float, b: float) -> None:
    with pytest.raises(ConfigError):
        NumberPrior(0.0, kappa, a, b)


COLOURS = ("red", "blue", "grey", "green")
ALPHA = np.array([0.5, 1.0, 2.0, 0.5])


def drawn(n: int, events: int, rng: np.random.Generator) -> tuple[list[Statistics], np.ndarray]:
    """People with known tastes: statistics of a few events each, and their true probabilities."""
    tastes = rng.dirichlet(ALPHA, n)
    people = []
    for taste in tastes:
        counts = rng.multinomial(events, taste)
        variance = 6.0 / rng.gamma(4.0)  # inverse gamma (4, 6)
        centre = rng.normal(50.0, math.sqrt(variance / 0.5))
        prices = rng.normal(centre, math.sqrt(variance), events)
        moments = Moments(events, float(prices.mean()), float(prices.var() * events))
        colours = {c: float(k) for c, k in zip(COLOURS, counts, strict=True) if k}
        people.append(person(colours, moments))
    return people, tastes


def test_the_average_person_is_recovered() -> None:
    people, _ = drawn(4000, 12, np.random.default_rng(1))
    prior = learn_prior(people, DEFINITION, NOW_US, version=7)
    assert prior.version == 7
    alpha = [prior.categories["colour"].alpha[c] for c in COLOURS]
    assert alpha == pytest.approx(ALPHA, rel=0.1)
    price = prior.numbers["price"]
    assert price.mean == pytest.approx(50.0, abs=0.3)
    assert price.strength == pytest.approx(0.5, rel=0.15)
    assert price.shape == pytest.approx(4.0, rel=0.2)
    assert price.scale == pytest.approx(6.0, rel=0.2)


@pytest.mark.parametrize("events", [1, 2, 3, 4])
def test_shrinkage_beats_raw_counts_under_five_events(events: int) -> None:
    rng = np.random.default_rng(events)
    prior = learn_prior(drawn(2000, events, rng)[0], DEFINITION, NOW_US)
    people, tastes = drawn(2000, events, rng)
    shrunk = raw = 0.0
    for one, taste in zip(people, tastes, strict=True):
        found = preferences(one, prior, NOW_US, DEFINITION).categories["colour"].probability
        counts = one.counts["colour"]
        for colour, truth in zip(COLOURS, taste, strict=True):
            shrunk += (found[colour] - truth) ** 2
            raw += (counts.get(colour, 0.0) / events - truth) ** 2
    assert shrunk < 0.7 * raw


def test_people_who_are_all_alike_make_a_strong_prior() -> None:
    people = [person({"red": 1.0, "blue": 1.0}, Moments(2.0, 5.0, 0.0)) for _ in range(50)]
    prior = learn_prior(people, DEFINITION, NOW_US)
    found = preferences(person({"red": 3.0}), prior, NOW_US, DEFINITION)
    assert found.categories["colour"].probability["red"] == pytest.approx(0.5, abs=0.02)
    assert found.numbers["price"].mean == pytest.approx(5.0, abs=0.1)


def test_one_person_is_enough_for_a_prior() -> None:
    prior = learn_prior([person({"red": 1.0}, Moments(1.0, 5.0, 0.0))], DEFINITION, NOW_US)
    found = preferences(Statistics.empty(DEFINITION), prior, NOW_US, DEFINITION)
    colour = found.categories["colour"]
    assert math.fsum(colour.probability.values()) + colour.rest == pytest.approx(1.0)
    assert colour.rest == pytest.approx(0.5 / 2.0), "half an event of the one and a half"
    assert math.isfinite(found.numbers["price"].spread)


def test_an_attribute_that_nobody_touched_has_no_average() -> None:
    with pytest.raises(DataError, match="colour"):
        learn_prior([person(price=Moments(1.0, 5.0, 0.0))], DEFINITION, NOW_US)
    with pytest.raises(DataError, match="colour"):
        learn_prior([], DEFINITION, NOW_US)


def test_an_attribute_that_nobody_touched_can_be_left_out() -> None:
    prior = learn_prior([person(price=Moments(1.0, 5.0, 0.0))], DEFINITION, NOW_US, partial=True)
    assert (set(prior.categories), set(prior.numbers)) == (set(), {"price"})
    found = preferences(person({"red": 1.0}), prior, NOW_US, DEFINITION)
    assert found.categories == {}


def test_what_is_long_gone_counts_for_nothing() -> None:
    later = NOW_US + int(3000 * DEFINITION.half_life_us)
    gone = person({"red": 5.0}, Moments(5.0, 5.0, 0.0))
    now = Statistics(DEFINITION.fingerprint, later, {"colour": {"blue": 2.0}})
    prior = learn_prior([gone, now], DEFINITION, later, partial=True)
    assert set(prior.categories["colour"].alpha) == {"blue"}
    assert prior.numbers == {}
    with pytest.raises(DataError, match="colour"):
        learn_prior([gone], DEFINITION, later)

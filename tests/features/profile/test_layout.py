"""The vector of a profile: zero for the average, the formulas of `preference`, names, bytes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from palate.config import Attribute
from palate.errors import DataError, StoreError
from palate.features.profile import (
    CategoryPrior,
    Moments,
    NumberPrior,
    Prior,
    ProfileDefinition,
    ProfileLayout,
    Statistics,
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
    {"colour": CategoryPrior({"red": 1.0, "blue": 2.5, "grey": 0.5}, 1.0)},
    {"price": NumberPrior(10.0, 2.0, 3.0, 8.0)},
)
LAYOUT = ProfileLayout(DEFINITION, PRIOR, top=2)


def person(colours: dict[str, float], price: Moments | None = None) -> Statistics:
    moments = {"price": price} if price else {}
    return Statistics(DEFINITION.fingerprint, NOW_US, {"colour": colours}, moments)


def test_what_stands_where() -> None:
    assert LAYOUT.names == (
        "colour=blue", "colour=red", "colour:other", "colour:events",
        "price:mean", "price:deviation", "price:spread", "price:events",
    )  # fmt: skip
    assert LAYOUT.size == 8


def test_the_average_is_zero() -> None:
    assert not LAYOUT.vector(Statistics.empty(DEFINITION), NOW_US).any()


def test_time_leads_back_to_zero() -> None:
    later = NOW_US + int(3000 * DEFINITION.half_life_us)
    found = LAYOUT.vector(person({"red": 9.0}, Moments(9.0, 99.0, 9.0)), later)
    assert found == pytest.approx(0.0, abs=1e-12)


def test_the_formulas_by_hand() -> None:
    found = LAYOUT.vector(
        person({"red": 2.0, "grey": 1.0, "pink": 2.0}, Moments(2.0, 16.0, 4.0)), NOW_US
    )
    # A = 5, N = 5: blue 2.5 of 10 before 2.5 of 5, red 3 before 1 of 5, others 4.5 before 1.5 of 5
    assert found[:4] == pytest.approx([0.25 - 0.5, 0.3 - 0.2, 0.45 - 0.3, math.log(6)], rel=1e-6)
    # kappa 4, m 13, b 8 + 2 + 2*2*36/8 = 28, a 4: spread^2 28/3 before 4, deviation^2 /4 before 2
    wanted = [
        3.0 / math.sqrt(4.0 * 1.5),
        math.log(math.sqrt(28 / 12 / 2)),
        math.log(math.sqrt(28 / 12)),
        math.log(3),
    ]
    assert found[4:] == pytest.approx(wanted, rel=1e-6)


def test_it_is_what_the_preferences_say() -> None:
    kept = person({"red": 2.0, "blue": 0.5}, Moments(2.0, 16.0, 4.0))
    now = NOW_US + int(DEFINITION.half_life_us)
    believed = preferences(kept, PRIOR, now, DEFINITION)
    usual = preferences(Statistics.empty(DEFINITION), PRIOR, now, DEFINITION)
    found = dict(zip(LAYOUT.names, LAYOUT.vector(kept, now).tolist(), strict=True))
    for colour in ("red", "blue"):
        apart = (
            believed.categories["colour"].probability[colour]
            - usual.categories["colour"].probability[colour]
        )
        assert found[f"colour={colour}"] == pytest.approx(apart, rel=1e-5)
    price, average = believed.numbers["price"], usual.numbers["price"]
    assert found["price:spread"] == pytest.approx(math.log(price.spread / average.spread))
    assert found["price:deviation"] == pytest.approx(math.log(price.deviation / average.deviation))


def test_a_clock_that_is_decades_ahead() -> None:
    kept = Statistics(DEFINITION.fingerprint, 1 << 61, {"colour": {"red": 1.0}})
    found = LAYOUT.vector(kept, NOW_US)
    assert np.isfinite(found).all()
    assert found[1] == pytest.approx(0.8)


def test_it_goes_through_bytes() -> None:
    again = ProfileLayout.from_bytes(LAYOUT.to_bytes())
    assert again.names == LAYOUT.names
    assert again.prior == PRIOR
    assert again.definition == DEFINITION
    kept = person({"red": 2.0, "pink": 2.0}, Moments(2.0, 16.0, 4.0))
    assert np.array_equal(again.vector(kept, NOW_US), LAYOUT.vector(kept, NOW_US))


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"definition":{"x":1},"prior":["f",1],"top":1}'])
def test_bytes_that_are_no_layout(raw: bytes) -> None:
    with pytest.raises(StoreError, match="layout"):
        ProfileLayout.from_bytes(raw)


def test_ties_of_the_prior_go_by_name() -> None:
    prior = Prior(DEFINITION.fingerprint, 1, {"colour": CategoryPrior({"b": 1.0, "a": 1.0}, 1.0)})
    assert ProfileLayout(DEFINITION, prior, top=1).names[0] == "colour=a"


def test_another_definition_is_refused() -> None:
    other = DEFINITION.model_copy(update={"half_life_days": 1.0})
    with pytest.raises(StoreError, match="learn"):
        ProfileLayout(other, PRIOR)
    with pytest.raises(StoreError, match="rebuild"):
        LAYOUT.vector(Statistics.empty(other), NOW_US)
    with pytest.raises(DataError, match="top"):
        ProfileLayout(DEFINITION, PRIOR, top=0)

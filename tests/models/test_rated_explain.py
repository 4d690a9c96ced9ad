"""Reasons of rating models: what each rating adds, by taking it away from the sum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from palate.data import Dataset
from palate.models.als_explicit import ExplicitALS, ExplicitALSConfig
from palate.models.rated import Rated
from palate.models.svd import SVD, SVDConfig
from palate.testing.rows import dataset, history

BOTH = pytest.mark.parametrize(
    "model",
    [SVD(SVDConfig(f=4, epochs=60, gamma=0.03)), ExplicitALS(ExplicitALSConfig(f=4))],
    ids=["svd", "explicit_als"],
)
N_ITEMS = 12


def rated() -> Dataset:
    """Everybody rates the items of their own kind 5 and some of the others 1."""
    return dataset(
        [
            (f"u{u:02d}", f"i{i:02d}", 5.0 if u % 2 == i % 2 else 1.0, 0.0)
            for u in range(20)
            for i in range(N_ITEMS)
            if (u + 3 * i) % 4
        ]
    )


@BOTH
def test_what_the_ratings_add_makes_the_score(model: Rated[Any]) -> None:
    learned = type(model)(model.config).fit(rated())
    mean, deviation = learned._scale
    seen = history([3, 8, 9, 10], N_ITEMS, [5.0, 1.0, 4.0, 2.0])
    for item in (0, 1, 8):
        added = learned._contributions(seen, item)
        assert added.shape == (4,)
        score = float(learned.score_histories(seen)[0, item])
        base = mean + deviation * float(learned._biases[item])
        assert added.sum() == pytest.approx(score - base, abs=1e-4)


@BOTH
def test_only_the_newest_of_several_ratings_is_a_reason(model: Rated[Any]) -> None:
    learned = type(model)(model.config).fit(rated())
    twice = learned._contributions(history([3, 8, 3], N_ITEMS, [1.0, 1.0, 5.0]), 5)
    once = learned._contributions(history([8, 3], N_ITEMS, [1.0, 5.0]), 5)
    assert twice[0] == 0
    np.testing.assert_allclose(twice[1:], once)


@BOTH
def test_high_ratings_of_the_same_kind_are_the_reason(model: Rated[Any]) -> None:
    learned = type(model)(model.config).fit(rated())
    reasons = learned.explain_history(history([3, 8], N_ITEMS, [5.0, 4.5]), 1, k=5)
    assert reasons[0].item_id == "i03"


@BOTH
def test_nobody_has_no_reasons(model: Rated[Any]) -> None:
    learned = type(model)(model.config).fit(rated())
    assert learned.explain_history(history([], N_ITEMS), 1) == []

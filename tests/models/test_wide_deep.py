"""Wide & Deep: the laws of click models, and what crosses remember."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from palate.errors import ConfigError
from palate.features.columns import ColumnSpec
from palate.models.wide_deep import WideDeep, WideDeepConfig
from palate.testing.click_models import CLICK_COLUMNS, ClickModelConformance
from palate.types import AttributeKind

SMALL: dict[str, Any] = {
    "k": 4,
    "hidden": (8,),
    "sigma": 0.3,
    "epochs": 4,
    "batch_size": 50,
    "learning_rate": 0.03,
    "lambda_v": 0.0,
    "average": 0.5,
    "dropout": 0.0,
}


class TestWideDeepCrossed(ClickModelConformance):
    model = WideDeep(
        CLICK_COLUMNS,
        WideDeepConfig(**SMALL, crosses=(("taste", "kind"), ("tags", "price")), cross_buckets=512),
    )


def test_a_cross_remembers_pairs_that_nothing_else_explains() -> None:
    """Clicks of 400 pairs are drawn at random: their only reason is the pair itself."""
    rng = np.random.default_rng(0)
    liked = rng.integers(0, 2, (20, 20))
    users, items = rng.integers(0, 20, (2, 4000))
    table = pl.DataFrame(
        {"user": users.astype(str), "item": items.astype(str), "click": liked[users, items]}
    )
    columns = [ColumnSpec(name=n, kind=AttributeKind.CATEGORY) for n in ("user", "item")]
    config = WideDeepConfig(
        **SMALL | {"hidden": (1,), "k": 1, "validation": 0.0, "epochs": 8, "batch_size": 100},
        crosses=(("user", "item"),),
    )
    found = WideDeep(columns, config).fit(table, "click").predict(table)
    assert ((found > 0.5) == (table["click"].to_numpy() == 1)).mean() > 0.99


@pytest.mark.parametrize("cross", [("taste", "nowhere"), ("taste", "taste")])
def test_a_cross_is_of_two_columns(cross: tuple[str, str]) -> None:
    with pytest.raises(ConfigError, match="two columns"):
        WideDeep(CLICK_COLUMNS, WideDeepConfig(crosses=(cross,)))

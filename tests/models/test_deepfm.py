"""DeepFM: the laws of click models, and what its two parts are for."""

from __future__ import annotations

from typing import Any

import polars as pl

from palate.features.columns import ColumnSpec
from palate.models.deepfm import DeepFM, DeepFMConfig
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


class TestDeepFM(ClickModelConformance):
    model = DeepFM(CLICK_COLUMNS, DeepFMConfig(**SMALL))


class TestDeepFMRatings(ClickModelConformance):
    model = DeepFM(CLICK_COLUMNS, DeepFMConfig(**SMALL, task="rating"))


def test_a_pair_never_seen_together_is_answered_from_its_parts() -> None:
    """Users a and b like the same things; only a was shown the last one."""
    rows = [
        (user, item, int((item in "xyz") == (user in "ab")))
        for user in "abcd"
        for item in "xyzpq"
        if (user, item) != ("b", "z")
    ] * 20
    table = pl.DataFrame(rows, schema=["user", "item", "click"], orient="row")
    columns = [ColumnSpec(name=n, kind=AttributeKind.CATEGORY) for n in ("user", "item")]
    config = DeepFMConfig(**SMALL | {"validation": 0.0, "epochs": 10})
    model = DeepFM(columns, config).fit(table, "click")
    asked = pl.DataFrame({"user": ["b", "b"], "item": ["z", "p"]})
    wanted, unwanted = model.predict(asked)
    assert wanted > 0.8 > 0.2 > unwanted

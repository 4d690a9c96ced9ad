"""xDeepFM: the laws of click models, and an interaction of three columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from palate.features.columns import ColumnSpec
from palate.metrics.auc import auc
from palate.models.xdeepfm import XDeepFM, XDeepFMConfig
from palate.testing.click_models import CLICK_COLUMNS, ClickModelConformance
from palate.types import AttributeKind

SMALL: dict[str, Any] = {
    "k": 4,
    "hidden": (8,),
    "maps": (4, 3),
    "sigma": 0.3,
    "epochs": 5,
    "batch_size": 50,
    "learning_rate": 0.03,
    "lambda_v": 0.0,
    "average": 0.5,
    "dropout": 0.0,
}


class TestXDeepFM(ClickModelConformance):
    model = XDeepFM(CLICK_COLUMNS, XDeepFMConfig(**SMALL))


def test_what_three_columns_say_only_together() -> None:
    """Clicked where an even number of three is odd: no one and no two of them say anything."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (2000, 3))
    table = pl.DataFrame({name: bits[:, at].astype(str) for at, name in enumerate("abc")})
    table = table.with_columns(click=pl.Series(bits.sum(axis=1) % 2))
    columns = [ColumnSpec(name=name, kind=AttributeKind.CATEGORY) for name in "abc"]
    config = XDeepFMConfig(**SMALL | {"validation": 0.0, "epochs": 6})
    model = XDeepFM(columns, config).fit(table, "click")
    assert auc(table["click"], model.predict(table)) > 0.99

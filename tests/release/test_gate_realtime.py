"""The gate on nets: NaN or constant answers of any of the three are refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import onnx
import polars as pl
import pytest

from palate.config import Attribute, Schema
from palate.data.dataset import Dataset
from palate.models.realtime import RealtimeConfig
from palate.release.gate import gate
from palate.release.registry import Releases
from palate.release.verdict import Decision, GateRule
from palate.testing import realtime as written
from palate.types import AttributeKind

DAY_1 = datetime(2024, 5, 1, tzinfo=UTC)
RULE = GateRule(metric="hit_rate@3", min_users=5, rounds=100, tolerance=0.9)
PEOPLE, CARS = 20, 12
Graphs = Callable[..., dict[str, bytes]]


@pytest.fixture(autouse=True)
def _registered() -> None:
    """Nothing stands in for a model here."""


def looks(days: range) -> pl.DataFrame:
    """Every person takes a car a day, of the half of the cars that they like."""
    rows = [
        (f"u{n:02}", f"{'v' if n % 2 else 's'}{(n + day) % 6}", DAY_1 + timedelta(days=day))
        for day in days
        for n in range(PEOPLE)
    ]
    frame = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    return frame.with_columns(pl.lit("view").alias("event"))


def dataset(days: range) -> Dataset:
    cars = [f"{kind}{n}" for kind in "vs" for n in range(6)]
    items = pl.DataFrame({"item_id": cars, "body": [car[0] for car in cars]})
    schema = Schema(items={"body": Attribute(kind=AttributeKind.CATEGORY)})
    return Dataset.from_frames(looks(days), items=items, schema=schema)


def spoilt(name: str, factor: float) -> Graphs:
    """Graphs of which one has all its numbers multiplied."""
    plain = written._graphs

    def graphs(*given: Any, **named: Any) -> dict[str, bytes]:
        made = plain(*given, **named)
        model = onnx.load_from_string(made[name])
        for tensor in model.graph.initializer:
            values = onnx.numpy_helper.to_array(tensor)
            if values.dtype == np.float32:
                changed = onnx.numpy_helper.from_array(values * np.float32(factor), tensor.name)
                tensor.CopyFrom(changed)
        return {**made, name: model.SerializeToString()}

    return graphs


def release(releases: Releases, data: Dataset) -> str:
    model = written.WrittenRealtime(RealtimeConfig(seed=1, dimension=16, min_count=1)).fit(data)
    return releases.create(model, name="cars", dataset=data).ref


@pytest.mark.parametrize("first", [True, False], ids=["the first", "beside another"])
@pytest.mark.parametrize(
    ("name", "factor", "said"),
    [
        ("rank.onnx", np.nan, "RankNet gives NaN"),
        ("rank.onnx", 0.0, "RankNet finds all items alike"),
        ("user.onnx", np.nan, "NaN scores"),
        ("item.onnx", np.nan, "NaN scores"),
        ("item.onnx", 0.0, "scores all items alike|NaN scores"),
    ],
)
def test_nets_that_say_nothing_are_refused(
    releases: Releases,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    factor: float,
    said: str,
    *,
    first: bool,
) -> None:
    past, now = dataset(range(4)), dataset(range(6))
    if not first:
        releases.promote(release(releases, past), by="ann", reason="first")
    monkeypatch.setattr(written, "_graphs", spoilt(name, factor))
    verdict = gate(releases, release(releases, past), now, rule=RULE)
    assert verdict.decision is Decision.REFUSED
    assert re.search(said, verdict.reason)


def test_nets_that_say_something_pass(releases: Releases) -> None:
    past, now = dataset(range(4)), dataset(range(6))
    assert gate(releases, release(releases, past), now, rule=RULE).decision is Decision.PASS
    releases.promote("cars:1", by="ann", reason="first")
    verdict = gate(releases, release(releases, past), now, rule=RULE)
    assert verdict.decision is Decision.PASS, verdict.reason

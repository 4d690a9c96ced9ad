from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
import pytest

from palate.data.infer_kind import infer_kind
from palate.types import AttributeKind

GENRES = ["Action|Drama", "Drama", "Action|Comedy", "Comedy|Drama|Action", "Comedy"] * 4


@pytest.mark.parametrize(
    ("values", "kind", "extra"),
    [
        ([1, 2, 3], AttributeKind.NUMBER, {}),
        (["1.5", "2", None], AttributeKind.NUMBER, {}),
        ([1500, 2000, 2500, 90_000], AttributeKind.NUMBER, {"scale": "log"}),
        ([0, 2000, 2500, 90_000], AttributeKind.NUMBER, {"scale": "linear"}),
        (GENRES, AttributeKind.CATEGORIES, {"separator": "|"}),
        ([g.replace("|", ", ") for g in GENRES], AttributeKind.CATEGORIES, {"separator": ","}),
        ([["a"], ["b"]], AttributeKind.CATEGORIES, {"separator": None}),
        (["red", "blue"] * 30, AttributeKind.CATEGORY, {}),
        ([True, False], AttributeKind.CATEGORY, {}),
        (["01234", "00001"] * 3, AttributeKind.CATEGORY, {}),
        ([f"title {i}" for i in range(60)], AttributeKind.TEXT, {}),
        (["A long way", "Home at last"], AttributeKind.TEXT, {}),
        (
            ["He came, he saw and then he left us all alone", "Well, that is another thing then"],
            AttributeKind.TEXT,
            {},
        ),
        (["2024-01-01", "2023-05-06T10:00:00Z"], AttributeKind.TIME, {}),
        ([datetime(2024, 1, 1), datetime(2024, 1, 2)], AttributeKind.TIME, {}),
        (["http://x/a.jpg", "http://x/b.PNG?w=3"], AttributeKind.IMAGE, {}),
    ],
)
def test_kinds(values: list[Any], kind: AttributeKind, extra: dict[str, Any]) -> None:
    attribute, reason = infer_kind(pl.Series("x", values))
    assert attribute is not None
    assert attribute.kind is kind
    assert reason
    for name, value in extra.items():
        assert getattr(attribute, name) == value


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([None, None], "always empty"),
        ([], "always empty"),
        (["EUR"] * 5, "always 'EUR'"),
        (["http://x/1", "https://x/2"], "web addresses"),
        ([{"a": 1}, {"a": 2}], "which no kind reads"),
    ],
)
def test_what_says_nothing_is_left_out(values: list[Any], why: str) -> None:
    attribute, reason = infer_kind(pl.Series("x", values))
    assert attribute is None
    assert why in reason

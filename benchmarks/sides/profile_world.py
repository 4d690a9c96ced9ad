"""A made-up market of cars and people with known tastes, for the benchmarks of profiles."""

from __future__ import annotations

from typing import Any

import numpy as np

from palate.config import Attribute, EventType, Schema
from palate.types import AttributeKind

__all__ = ["SCHEMA", "START_US", "attributes"]

START_US = 1_700_000_000_000_000
VALUES = {"make": 30, "model": 300, "fuel": 5, "gear": 2, "colour": 12, "body": 8, "dealer": 2000}
SCHEMA = Schema(
    events={
        "view": EventType(weight=1.0),
        "save": EventType(weight=3.0),
        "contact": EventType(weight=8.0),
    },
    items={
        **{name: Attribute(kind=AttributeKind.CATEGORY) for name in VALUES},
        "year": Attribute(kind=AttributeKind.NUMBER),
        "price": Attribute(kind=AttributeKind.NUMBER, scale="log"),
        "mileage_km": Attribute(kind=AttributeKind.NUMBER, scale="log"),
        "title": Attribute(kind=AttributeKind.TEXT),
    },
)


def attributes(n: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Of n cars: ten that count and a title; rare values are as rare as in a real market."""
    chosen = {
        name: np.minimum(rng.geometric(min(0.5, 4.0 / count), n) - 1, count - 1)
        for name, count in VALUES.items()
    }
    year = rng.integers(1998, 2026, n)
    price = np.exp(rng.normal(9.3, 0.8, n)).round()
    mileage = np.exp(rng.normal(11.0, 0.9, n)).round()
    return [
        {
            **{name: f"{name} {codes[row]}" for name, codes in chosen.items()},
            "year": int(year[row]),
            "price": float(price[row]),
            "mileage_km": float(mileage[row]),
            "title": f"a car of make {chosen['make'][row]}, {year[row]}, well kept, one owner",
        }
        for row in range(n)
    ]

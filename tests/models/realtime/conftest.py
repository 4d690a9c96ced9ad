"""What tests of the real-time nets share: a small marketplace and nets fitted on it once."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest
import torch

from palate.config import Attribute, EventType, Schema
from palate.data import Dataset
from palate.models.realtime import Realtime, RealtimeConfig
from palate.testing.checkerboard import checkerboard
from palate.types import AttributeKind

QUICK = RealtimeConfig(
    epochs=8,
    batch_size=64,
    learning_rate=0.01,
    dimension=16,
    hidden=24,
    rank_hidden=(16, 8),
    catalogue=16,
    hard=1,
    hard_rows=16,
    recent=6,
    heads=2,
    min_count=1,
    bins=4,
    validation=0.0,
    tau=0.1,
)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads of torch cost more than they bring to nets as small as these."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def quick() -> RealtimeConfig:
    """Small nets that learn the checkerboard in a second."""
    return QUICK


@pytest.fixture(scope="session")
def fitted() -> Realtime:
    """Fitted on the checkerboard; no test changes it."""
    return Realtime(QUICK).fit(checkerboard())


@pytest.fixture
def market() -> Dataset:
    """Four people and five cars: views, saves, and what was shown and left alone.

    Anna views x at 0 s, saves it at 60 s, is shown y and z at 120 s and views w then; Ben views
    y at 0 s and x a hundred hours later; Cleo did nothing that counts.
    """
    rows = [
        ("anna", "x", "view", 0),
        ("anna", "x", "save", 60),
        ("anna", "y", "shown", 120),
        ("anna", "w", "view", 120),
        ("anna", "z", "shown", 120),
        ("ben", "y", "view", 0),
        ("ben", "x", "view", 360_000),
        ("cleo", "z", "shown", 5),
    ]
    users, items, events, times = zip(*rows, strict=True)
    schema = Schema(
        events={
            "view": EventType(weight=1.0),
            "save": EventType(weight=3.0),
            "shown": EventType(weight=0.0),
        },
        items={
            "make": Attribute(kind=AttributeKind.CATEGORY),
            "extras": Attribute(kind=AttributeKind.CATEGORIES),
            "price": Attribute(kind=AttributeKind.NUMBER, scale="log"),
            "listed": Attribute(kind=AttributeKind.TIME),
        },
    )
    cars = pl.DataFrame(
        {
            "item_id": ["w", "x", "y", "z", "never"],
            "make": ["BMW", "BMW", "Audi", "Audi", "BMW"],
            "extras": [["roof"], ["roof", "hook"], [], None, ["hook"]],
            "price": [10_000.0, 12_000.0, 20_000.0, None, 11_000.0],
            "listed": ["2024-01-01", "2024-01-02", "2024-01-03", None, "2024-01-05"],
        }
    )
    interactions = pl.DataFrame(
        {"user_id": users, "item_id": items, "event": events, "timestamp": times}
    )
    return Dataset.from_frames(interactions, items=cars, schema=schema)

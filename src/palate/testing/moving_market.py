"""A small marketplace whose visitors' tastes are known and move: for models that learn on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import polars as pl

from palate.config import Attribute, EventType, Schema
from palate.data.dataset import Dataset
from palate.types import AttributeKind

__all__ = ["MAKES", "MOVED", "fans_of", "moving_market"]

MAKES: Final = "ABCD"
MOVED: Final = datetime(2026, 1, 5, tzinfo=UTC)  # everything before it is old
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_LATER: Final = datetime(2026, 1, 11, tzinfo=UTC)
_CARS: Final = 10  # of each make at first
_LISTED: Final = 4  # more of make C, listed after `MOVED`
_VISITORS: Final = 120
_MINUTES: Final = 3 * 24 * 60

Click = tuple[str, str, str, datetime]


def moving_market(*, seed: int = 0) -> Dataset:
    """Cars of four makes, and visitors who at first view cars of one make each.

    From 1 to 3 January 2026 every visitor views six cars of their make. From 11 to 13 January the
    fans of A alone come back, and view nine cars each of make C, of which four are listed newly.
    So who forgets loses the fans of B and D, and who learns nothing loses those of A.

    Args:
        seed: Of which cars, and when.
    """
    rng = np.random.default_rng(seed)
    clicks: list[Click] = []
    for make in MAKES:
        for visitor in fans_of(make):
            clicks += _views(rng, visitor, make, (6, _CARS), _START)
    for visitor in fans_of("A"):
        clicks += _views(rng, visitor, "C", (9, _CARS + _LISTED), _LATER)
    users, items, events, times = zip(*clicks, strict=True)
    cars = [(make, n) for make in MAKES for n in range(_CARS + _LISTED * (make == "C"))]
    return Dataset.from_frames(
        pl.DataFrame({"user_id": users, "item_id": items, "event": events, "timestamp": times}),
        items=pl.DataFrame(
            {
                "item_id": [f"{make}{n:02}" for make, n in cars],
                "make": [make for make, _ in cars],
                "price": [100.0 + n for _, n in cars],
            }
        ),
        schema=Schema(
            events={"view": EventType()},
            items={
                "make": Attribute(kind=AttributeKind.CATEGORY),
                "price": Attribute(kind=AttributeKind.NUMBER),
            },
        ),
        name="moving market",
    )


def fans_of(make: str) -> list[str]:
    """The visitors who at first view cars of this make."""
    return [f"v{n:03}" for n in range(MAKES.index(make), _VISITORS, len(MAKES))]


def _views(
    rng: np.random.Generator, visitor: str, make: str, some: tuple[int, int], start: datetime
) -> list[Click]:
    """So many different cars of so many, at any time of the three days."""
    n, of = some
    cars = rng.permutation(of)[:n].tolist()
    at = rng.integers(_MINUTES, size=n).tolist()
    return [
        (visitor, f"{make}{car:02}", "view", start + timedelta(minutes=minute))
        for car, minute in zip(cars, at, strict=True)
    ]

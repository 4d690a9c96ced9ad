"""A dataset whose right answers are obvious: even users like even items, odd users odd ones."""

from __future__ import annotations

from typing import Final

import polars as pl

from palate.config import Attribute, EventType, Schema
from palate.data import Dataset
from palate.types import AttributeKind

__all__ = ["COLD_ITEM", "COLD_USER", "N_ITEMS", "N_USERS", "checkerboard", "tiny"]

N_USERS: Final = 46  # with a history
N_ITEMS: Final = 20  # that somebody touched
COLD_USER: Final = "person-cold"
COLD_ITEM: Final = "item-20"  # even, and touched by nobody

_START_S: Final = 1_700_000_000
_HOUR_S: Final = 3600


def checkerboard() -> Dataset:
    """Users `person-00` to `person-45`, items `item-00` to `item-19`.

    Each user touched all items of the own kind but one, which is the obvious recommendation;
    the item left out goes round, so that no two items have the same users by chance alone.
    Users 0 and 1 also touched one item of the other kind. Times are an hour apart. Items have
    a `kind` (category), a `title` (text) and a `price` (number) that say what they are.
    """
    rows = []
    for user in range(N_USERS):
        left_out = user % N_ITEMS
        for item in range(N_ITEMS):
            if item % 2 == user % 2 and item != left_out:
                rows.append((user, item))
    rows += [(0, 19), (1, 18)]
    interactions = pl.DataFrame(
        {
            "user_id": [f"person-{user:02d}" for user, _ in rows],
            "item_id": [f"item-{item:02d}" for _, item in rows],
            "event": ["like"] * len(rows),
            "timestamp": [_START_S + _HOUR_S * (at % 24) for at in range(len(rows))],
        }
    )
    numbers = range(N_ITEMS + 1)
    items = pl.DataFrame(
        {
            "item_id": [f"item-{item:02d}" for item in numbers],
            "kind": ["odd" if item % 2 else "even" for item in numbers],
            "title": [f"{'Odd' if item % 2 else 'Even'} thing" for item in numbers],
            "price": [float(10 + item if item % 2 else 100 + item) for item in numbers],
        }
    )
    names = [f"person-{user:02d}" for user in range(N_USERS)]
    users = pl.DataFrame({"user_id": [*names, COLD_USER]})
    return Dataset.from_frames(
        interactions, items=items, users=users, schema=_schema(), name="checkerboard"
    )


def tiny(rows: list[tuple[str, str, float]]) -> Dataset:
    """Rated rows (user, item, value); all items look the same."""
    users, items, values = zip(*rows, strict=True)
    distinct = sorted(set(items))
    return Dataset.from_frames(
        pl.DataFrame({"user_id": users, "item_id": items, "value": values}),
        items=pl.DataFrame({"item_id": distinct, "kind": "same", "title": "Thing"}),
    )


def _schema() -> Schema:
    return Schema(
        events={"like": EventType()},
        items={
            "kind": Attribute(kind=AttributeKind.CATEGORY),
            "title": Attribute(kind=AttributeKind.TEXT),
            "price": Attribute(kind=AttributeKind.NUMBER),
        },
    )

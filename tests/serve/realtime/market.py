"""The words of the marketplace: its cars, its settings, what people did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from palate.config import Attribute, EventType, ProfileSettings, ServeSettings, Settings
from palate.events.schema import ITEM_UPSERTED, Event
from palate.types import AttributeKind

VANS = [f"v{n:02d}" for n in range(20)]
SPORTS = [f"s{n:02d}" for n in range(20)]
DEALERS = 4


def settings_of(home: Path) -> Settings:
    return Settings(
        home=home,
        events={"view": EventType(), "contact": EventType(weight=4)},
        items={
            "body": Attribute(kind=AttributeKind.CATEGORY),
            "make": Attribute(kind=AttributeKind.CATEGORY),
            "use": Attribute(kind=AttributeKind.CATEGORY),
            "dealer": Attribute(kind=AttributeKind.CATEGORY),
            "price": Attribute(kind=AttributeKind.NUMBER, scale="log"),
        },
        profile=ProfileSettings(),
        serve=ServeSettings(port=0, poll_s=0.05, max_k=50),
        retrieval={"stagger_s": 0.0, "refresh_s": 0.5, "least_overlap": 0.0},
        surfaces={
            "home": {
                "k": 5,
                "sources": [{"kind": "neighbours", "depth": 20}, {"kind": "new", "depth": 5}],
                "rerank": [{"kind": "spread", "attribute": "dealer", "most": 3}],
                "budget_ms": 10_000.0,
            },
            "neighbours": {"sources": [{"kind": "neighbours", "depth": 50}], "budget_ms": 10_000.0},
            "explored": {
                "k": 4,
                "sources": [{"kind": "neighbours"}, {"kind": "new"}],
                "rerank": [{"kind": "explore", "choice": "uniform", "epsilon": 0.5}],
                "budget_ms": 10_000.0,
            },
            "plain": {"k": 3},
        },
    )


def attributes_of(item: str) -> dict[str, Any]:
    number, van = int(item[1:]), item.startswith("v")
    return {
        "body": "van" if van else "sports",
        "make": "Hauler" if van else "Comet",
        "use": "work" if van else "fun",
        "dealer": f"d{number % DEALERS}",
        "price": 10_000 + 100 * number + (0 if van else 40_000),
    }


def upserted(item: str) -> Event:
    return Event(event=ITEM_UPSERTED, item_id=item, attributes=attributes_of(item))


def view(user: str, item: str) -> Event:
    return Event(event="view", user_id=user, item_id=item)


def looked_at() -> pl.DataFrame:
    rows = [
        (f"{kind}{person}", items[(person + step) % 20], 1_700_000_000_000_000 + 60_000_000 * step)
        for kind, items in (("van", VANS), ("sport", SPORTS))
        for person in range(20)
        for step in range(8)
    ]
    frame = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    return frame.with_columns(
        pl.lit("view").alias("event"), pl.from_epoch("timestamp", time_unit="us")
    )

"""A home with a catalogue of cars of any size, answered by nets of two embedding spaces.

The nets are written down rather than trained (`palate.testing.realtime`): what they cost is what
trained ones of their size cost, within a few matrix products, and swaps need two spaces alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from palate.config import ProfileSettings, ServeSettings, Settings
from palate.data.generated.cars import Cars
from palate.events.schema import ITEM_UPSERTED, Event
from palate.features.ingest import open_ingest
from palate.models.realtime import RealtimeConfig
from palate.release.registry import open_releases
from palate.testing.realtime import WrittenRealtime

__all__ = ["SURFACE", "USERS", "build_home"]

SURFACE = "home"
USERS = tuple(f"visitor-{number}" for number in range(1_000))
VIEWS = 8  # of each of them
BATCH = 5_000
TRAINED = 5_000  # cars of the dataset that the releases are of


def settings_of(home: Path, cars: Cars, workers: int) -> Settings:
    return Settings(
        home=home,
        events=cars.schema.events,
        items=cars.schema.items,
        users=cars.schema.users,
        profile=ProfileSettings(),
        serve=ServeSettings(port=0, workers=workers),
        retrieval={"refresh_s": 3600.0, "stagger_s": 0.0, "batch": 2_000},
        surfaces={
            SURFACE: {
                "k": 20,
                "sources": [{"kind": "neighbours", "depth": 500}],
                "ranked": 500,
                "rerank": [{"kind": "mmr"}, {"kind": "spread", "attribute": "dealer", "most": 3}],
            },
            "near": {  # of what was viewed last: a car like it is first, once it can be found
                "k": 50,
                "score": "sources",
                "sources": [{"kind": "similar_to_recent", "depth": 50, "recent": 1}],
            },
        },
    )


def build_home(home: Path, items: int, workers: int) -> Settings:
    """Settings of a new home whose aliases `stable` and `canary` name releases of two spaces."""
    trained = Cars(n_items=TRAINED, n_visitors=500, seed=1)
    dataset = trained.dataset(14)
    settings = settings_of(home, trained, workers)
    began = time.perf_counter()
    catalogue = Cars(n_items=items, n_visitors=10, seed=2).items
    with open_ingest(home, settings) as ingest:
        for batch in _upserts(catalogue):
            ingest.append(batch)
        ids = catalogue["item_id"].gather_every(max(1, items // 5_000)).to_list()
        for first in range(0, len(USERS), 500):
            ingest.append(
                [
                    Event(event="view", user_id=user, item_id=ids[(31 * at + step) % len(ids)])
                    for at, user in enumerate(USERS[first : first + 500], first)
                    for step in range(VIEWS)
                ]
            )
    print(f"{items} cars in log and state: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    releases = open_releases(home)
    for seed, alias in ((1, "stable"), (2, "canary")):
        model = WrittenRealtime(RealtimeConfig(seed=seed)).fit(dataset)
        release = releases.create(model, name="cars", dataset=dataset)
        releases.promote(release.ref, alias, by="benchmark", reason="of two spaces")
    releases.close()
    return settings


def _upserts(catalogue: pl.DataFrame) -> Iterator[list[Event]]:
    for part in catalogue.iter_slices(BATCH):
        yield [
            Event(event=ITEM_UPSERTED, item_id=row.pop("item_id"), attributes=row)
            for row in part.to_dicts()
        ]

"""A home with a catalogue of cars of any size, answered by nets of two embedding spaces.

The nets are trained on a small market, twice with different seeds, and know the cars by their
attributes alone: what is looked for lies where trained users look for it. Each visitor has viewed
five cars of one model and three of another.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import torch

from accuracy.realtime import CARS, DAYS
from palate.config import ProfileSettings, ServeSettings, Settings
from palate.data.generated.cars import Cars
from palate.events.schema import ITEM_UPSERTED, Event
from palate.features.ingest import open_ingest
from palate.models.realtime import Realtime
from palate.release.registry import open_releases

__all__ = ["NEAR", "SURFACE", "USERS", "World", "build_home"]

SURFACE = "home"
NEAR = "near"  # of what was viewed last: a car like it is first, once it can be found
USERS = tuple(f"visitor-{number}" for number in range(1_000))
VIEWS = 5, 3  # of each of them, of two models of cars
BATCH = 5_000
MARKET = 5_000, 3_000  # cars and visitors that the releases learned from
CHANGING = 5_000  # cars, from all over the catalogue, whose prices change


@dataclass(frozen=True)
class World:
    """A home that can be served.

    Attributes:
        settings: Its service's.
        changing: `item_id` and `attributes` of the cars whose prices change.
    """

    settings: Settings
    changing: list[dict[str, Any]]


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
            "next": {  # says whether the other space is there
                "alias": "canary",
                "sources": [{"kind": "neighbours", "depth": 500}],
            },
            NEAR: {
                "k": 50,
                "score": "sources",
                "sources": [{"kind": "similar_to_recent", "depth": 50, "recent": 1}],
            },
        },
    )


def build_home(home: Path, items: int, workers: int) -> World:
    """A new home whose aliases `stable` and `canary` name releases of two spaces."""
    trained = Cars(*MARKET, seed=1)
    dataset = trained.dataset(DAYS)
    settings = settings_of(home, trained, workers)
    began = time.perf_counter()
    catalogue = Cars(n_items=items, n_visitors=10, seed=2).items
    with open_ingest(home, settings) as ingest:
        for batch in _upserts(catalogue):
            ingest.append(batch)
        changing = _changing(catalogue)
        for user, viewed in zip(USERS, _viewed(changing), strict=True):
            ingest.append([Event(event="view", user_id=user, item_id=item) for item in viewed])
    print(f"{items} cars in log and state: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    torch.set_num_threads(1)  # two wait for each other where a third process is at work
    releases = open_releases(home)
    for seed, alias in ((1, "stable"), (2, "canary")):
        model = Realtime(CARS.model_copy(update={"seed": seed})).fit(dataset)
        release = releases.create(model, name="cars", dataset=dataset)
        releases.promote(release.ref, alias, by="benchmark", reason="of two spaces")
    releases.close()
    return World(settings, changing)


def _viewed(cars: list[dict[str, Any]]) -> Iterator[list[str]]:
    """What each visitor has viewed."""
    models: dict[str, list[str]] = {}
    for car in cars:
        models.setdefault(str(car["attributes"]["model"]), []).append(car["item_id"])
    rng = random.Random(3)
    for _ in USERS:
        liked, other = rng.sample(sorted(models), 2)
        yield rng.choices(models[other], k=VIEWS[1]) + rng.choices(models[liked], k=VIEWS[0])


def _changing(catalogue: pl.DataFrame) -> list[dict[str, Any]]:
    rows = catalogue.gather_every(max(1, len(catalogue) // CHANGING)).to_dicts()
    return [{"item_id": row.pop("item_id"), "attributes": row} for row in rows]


def _upserts(catalogue: pl.DataFrame) -> Iterator[list[Event]]:
    for part in catalogue.iter_slices(BATCH):
        yield [
            Event(event=ITEM_UPSERTED, item_id=row.pop("item_id"), attributes=row)
            for row in part.to_dicts()
        ]

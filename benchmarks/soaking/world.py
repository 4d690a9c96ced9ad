"""A small generated catalogue with a release: what the soak serves."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from palate.config import LogSettings, ServeSettings, Settings
from palate.data.from_log import dataset_to_events
from palate.data.generated import generate
from palate.features.ingest import open_ingest
from palate.models.sar import SAR
from palate.release.registry import open_releases

__all__ = ["ITEMS", "USERS", "build_home"]

N_USERS = 500
N_ITEMS = 300
USERS = tuple(f"u{n:03d}" for n in range(1, N_USERS + 1))
ITEMS = tuple(f"m{n:03d}" for n in range(1, N_ITEMS + 1))
BATCH = 5000


def build_home(home: Path, *, workers: int, durability: str) -> Settings:
    """Settings of a new home whose alias `stable` names a fitted model."""
    data = generate(n_users=N_USERS, n_items=N_ITEMS, n_events=10_000, seed=1).dataset
    settings = Settings(
        home=home,
        events=data.schema.events,
        items=data.schema.items,
        users=data.schema.users,
        log=LogSettings.model_validate({"durability": durability}),
        serve=ServeSettings(port=0, workers=workers),
    )
    events = dataset_to_events(data, prefix="soak")
    with open_ingest(home, settings) as ingest:
        while batch := list(islice(events, BATCH)):
            ingest.append(batch)
    releases = open_releases(home)
    release = releases.create(SAR().fit(data), name="soak", dataset=data)
    releases.promote(release.ref, by="soak", reason="the only one")
    releases.close()
    return settings

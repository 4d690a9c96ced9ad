"""A home like the demo's: MovieLens 100K in the log and the state, one model released."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from harness import data_folder
from palate.config import ServeSettings, Settings
from palate.data.from_log import dataset_to_events
from palate.data.sources import source
from palate.features.ingest import open_ingest
from palate.plugins import model_class
from palate.release.registry import open_releases

__all__ = ["USERS", "build_home"]

USERS = tuple(str(number) for number in range(1, 944))
BATCH = 5000


def build_home(home: Path, model: str, workers: int) -> Settings:
    """Settings of a new home whose alias `stable` names `model`, fitted on all ratings."""
    dataset = source("ml-100k").read(data_folder("ml-100k") / "ml-100k")
    settings = Settings(
        home=home,
        events=dataset.schema.events,
        items=dataset.schema.items,
        users=dataset.schema.users,
        serve=ServeSettings(port=0, workers=workers),
    )
    events = dataset_to_events(dataset, prefix="ml-100k")
    with open_ingest(home, settings) as ingest:
        while batch := list(islice(events, BATCH)):
            ingest.append(batch)
    releases = open_releases(home)
    release = releases.create(model_class(model)().fit(dataset), name="movies", dataset=dataset)
    releases.promote(release.ref, by="benchmark", reason="the only one")
    releases.close()
    return settings

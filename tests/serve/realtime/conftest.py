"""A small marketplace with an obvious taste, answered by nets of two embedding spaces.

Forty cars: `v00`..`v19` are vans, `s00`..`s19` sports cars; twenty people look at either kind.
`van` and `sport` looked at three of theirs after training; nothing is known of anybody else.
Releases `nets:1` (alias `stable`) and `nets:2` differ by the seed, so by the space; `nets:3` is
popularity, of no space.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.serve.realtime.market import (
    SPORTS,
    VANS,
    attributes_of,
    looked_at,
    settings_of,
    upserted,
    view,
)

from palate.config import Settings
from palate.data.dataset import Dataset
from palate.features.ingest import open_ingest
from palate.models.popular import Popular
from palate.models.realtime import RealtimeConfig
from palate.release.registry import open_releases
from palate.serve.background import BackgroundService
from palate.testing.realtime import WrittenRealtime
from palate.testing.service import InProcessService


@pytest.fixture(scope="session")
def built_market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("market") / "home"
    settings = settings_of(home)
    with open_ingest(home, settings) as ingest:
        ingest.append([upserted(item) for item in (*VANS, *SPORTS)])
        ingest.append([view("van", item) for item in VANS[:3]])
        ingest.append([view("sport", item) for item in SPORTS[:3]])
    items = pl.DataFrame([{"item_id": i, **attributes_of(i)} for i in (*VANS, *SPORTS)])
    dataset = Dataset.from_frames(looked_at(), items=items, schema=settings.schema_)
    releases = open_releases(home)
    for seed in (1, 2):
        model = WrittenRealtime(RealtimeConfig(seed=seed, dimension=64, min_count=1))
        releases.create(model.fit(dataset), name="nets", dataset=dataset)
    releases.create(Popular().fit(dataset), name="nets", dataset=dataset)
    releases.promote("nets:1", "stable", by="test", reason="first")
    releases.close()
    return home


@pytest.fixture
def market(built_market: Path, tmp_path: Path) -> Settings:
    """Settings of a fresh copy of the marketplace."""
    home = tmp_path / "home"
    shutil.copytree(built_market, home)
    return settings_of(home)


@pytest.fixture
def service(market: Settings) -> Iterator[InProcessService]:
    with InProcessService(market) as running:
        yield running


@pytest.fixture(scope="session")
def reading(
    built_market: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InProcessService]:
    """One service for all tests that change nothing."""
    home = tmp_path_factory.mktemp("reading") / "home"
    shutil.copytree(built_market, home)
    with InProcessService(settings_of(home)) as running:
        yield running


@pytest.fixture
def running(market: Settings, tmp_path: Path) -> Iterator[BackgroundService]:
    """A service of its own, with embedder and indexer in processes of their own."""
    with BackgroundService(market, log=tmp_path / "service.log") as service:
        yield service


@pytest.fixture
def market_of(
    built_market: Path, tmp_path: Path
) -> Callable[..., AbstractContextManager[InProcessService]]:
    """A service whose alias `stable` names `promoted`, with other settings, or without items."""

    def make(
        *, promoted: str | None = "nets:1", empty: bool = False, **others: Any
    ) -> InProcessService:
        home = tmp_path / "other"
        if not empty:
            shutil.copytree(built_market, home)
        settings = settings_of(home)
        releases = open_releases(home)
        if promoted is not None:
            releases.promote(promoted, "stable", by="test", reason="asked for")
        elif not empty:
            settings = settings.model_copy(
                update={"serve": settings.serve.model_copy(update={"alias": "none"})}
            )
        releases.close()
        return InProcessService(settings.model_copy(update=others))

    return make

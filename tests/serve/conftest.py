"""A small world with an obvious taste: comedy fans and drama fans, and nobody who is both.

Items `c0`..`c5` are comedies with prices 0..5, `d0`..`d5` dramas with prices 10..15. Six fans
of each genre leave out one item each; three more people know `d0` alone, so it is the most
popular. `ann` clicked `c0` and `c1` after training. Releases: `taste:1` (sar, `stable`),
`taste:2` (popular, `canary`), `taste:3` (ease, no alias).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from palate.config import Attribute, EventType, ServeSettings, Settings
from palate.data.dataset import Dataset
from palate.events.schema import ITEM_UPSERTED, Event
from palate.features.ingest import open_ingest
from palate.models.ease import EASE
from palate.models.popular import Popular
from palate.models.sar import SAR
from palate.release.registry import open_releases
from palate.serve.background import BackgroundService
from palate.store.database import REGISTRY, Database
from palate.store.key import KeyLimits, Scope
from palate.store.keys import Keys
from palate.testing.service import InProcessService
from palate.types import AttributeKind

COMEDIES = [f"c{n}" for n in range(6)]
DRAMAS = [f"d{n}" for n in range(6)]


def settings_of(home: Path) -> Settings:
    return Settings(
        home=home,
        events={"click": EventType(), "rating": EventType(value="multiply")},
        items={
            "genre": Attribute(kind=AttributeKind.CATEGORY),
            "price": Attribute(kind=AttributeKind.NUMBER),
            "title": Attribute(kind=AttributeKind.TEXT),
        },
        users={"age": Attribute(kind=AttributeKind.NUMBER)},
        serve=ServeSettings(port=0, poll_s=0.05, max_k=50, max_batch=20, max_body_bytes=20_000),
        surfaces={
            "cheap": {"filters": {"price": {"max": 3}}, "k": 2},
            "canary": {"alias": "canary"},
            "missing": {"alias": "nowhere"},
            "again": {"exclude_seen": False},
        },
    )


def clicks() -> list[tuple[str, str]]:
    pairs = [(f"comic{n}", item) for n in range(6) for item in COMEDIES if item != f"c{n}"]
    pairs += [(f"tragic{n}", item) for n in range(6) for item in DRAMAS if item != f"d{n}"]
    return [*pairs, *((f"one{n}", "d0") for n in range(3))]


def item_events() -> list[Event]:
    return [
        Event(
            event=ITEM_UPSERTED,
            item_id=item,
            attributes={
                "genre": "comedy" if item in COMEDIES else "drama",
                "price": price,
                "title": item.upper(),
            },
        )
        for items, base in ((COMEDIES, 0), (DRAMAS, 10))
        for price, item in enumerate(items, base)
    ]


@pytest.fixture(scope="session")
def built_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("world") / "home"
    settings = settings_of(home)
    with open_ingest(home, settings) as ingest:
        ingest.append(item_events())
        ingest.append([Event(event="click", user_id=u, item_id=i) for u, i in clicks()])
        ingest.append([Event(event="click", user_id="ann", item_id=i) for i in ("c0", "c1")])
    frame = pl.DataFrame(clicks(), schema=["user_id", "item_id"], orient="row")
    dataset = Dataset.from_frames(
        frame.with_columns(pl.lit("click").alias("event")), schema=settings.schema_
    )
    releases = open_releases(home)
    for model in (SAR(), Popular(), EASE()):
        releases.create(model.fit(dataset), name="taste", dataset=dataset)
    releases.promote("taste:1", "stable", by="test", reason="first")
    releases.promote("taste:2", "canary", by="test", reason="first")
    releases.close()
    return home


@pytest.fixture
def settings(built_home: Path, tmp_path: Path) -> Settings:
    """Settings of a fresh copy of the world."""
    home = tmp_path / "home"
    shutil.copytree(built_home, home)
    return settings_of(home)


@pytest.fixture
def empty_settings(tmp_path: Path) -> Settings:
    """Settings of a world without items, events or releases."""
    return settings_of(tmp_path / "home")


@pytest.fixture
def running(settings: Settings, tmp_path: Path) -> Iterator[BackgroundService]:
    """A service of its own, in processes of their own."""
    with BackgroundService(settings, log=tmp_path / "service.log") as service:
        yield service


@pytest.fixture
def service(settings: Settings) -> Iterator[InProcessService]:
    with InProcessService(settings) as running:
        yield running


@pytest.fixture
def empty_service(empty_settings: Settings) -> Iterator[InProcessService]:
    with InProcessService(empty_settings) as running:
        yield running


@pytest.fixture(scope="session")
def reading(
    built_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InProcessService]:
    """One service for all tests that change nothing."""
    home = tmp_path_factory.mktemp("reading") / "home"
    shutil.copytree(built_home, home)
    with InProcessService(settings_of(home)) as running:
        yield running


@pytest.fixture(scope="module")
def built_home_copy(built_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a copy of the world for all tests of one file."""
    home = tmp_path_factory.mktemp("copy") / "home"
    shutil.copytree(built_home, home)
    return settings_of(home)


MakeKey = Callable[..., str]


@pytest.fixture
def make_key() -> MakeKey:
    """Makes a key in the registry of a home; gives its secret."""

    def make(home: Path, *scopes: Scope, limits: KeyLimits | None = None) -> str:
        with closing(Database(home / REGISTRY)) as database:
            secret, _ = Keys(database).create("test", scopes, limits=limits, by="test")
        return secret

    return make

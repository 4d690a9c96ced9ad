"""A marketplace of cars whose state is on a Redis server: what the soak of the roles serves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from palate.config import ProfileSettings, ServeSettings, Settings, load_settings
from palate.data.generated.cars import Cars
from palate.events.schema import ITEM_UPSERTED, Event
from palate.features.ingest import open_ingest
from palate.models.realtime import RealtimeConfig
from palate.release.registry import open_releases
from palate.testing.realtime import WrittenRealtime

__all__ = ["HOME", "PROBE", "REFRESH_S", "VISITORS", "Market", "build_market"]

HOME = "home"
PROBE = "probe"  # answers with what the index holds, and nothing else
N_CARS = 2_000
N_TRAINED = 1_000
VISITORS = tuple(f"visitor-{number}" for number in range(300))
REFRESH_S = 2.0  # between two snapshots
BATCH = 2_000


@dataclass(frozen=True)
class Market:
    """Where it is, and what is for sale at first.

    Attributes:
        settings: As the service reads them.
        folder: With `palate.toml`.
        cars: Id to attributes.
        spaces: Release to the embedding space of its nets.
    """

    settings: Settings
    folder: Path
    cars: Mapping[str, Mapping[str, Any]]
    spaces: Mapping[str, str]


def build_market(folder: Path, *, url: str, port: int) -> Market:
    """A new home in `folder`; its aliases `stable` and `canary` name releases of two spaces.

    Args:
        folder: Made here.
        url: Of a running Redis server, with nothing of ours on it.
        port: Where the service will listen.
    """
    folder.mkdir()
    trained = Cars(n_items=N_TRAINED, n_visitors=200, seed=1)
    _write_settings(folder / "palate.toml", trained, url, port)
    settings = load_settings(folder / "palate.toml")
    listed = Cars(n_items=N_CARS, n_visitors=10, seed=2).items.to_dicts()
    cars = {row.pop("item_id"): row for row in listed}
    with open_ingest(settings.home, settings) as ingest:
        rows = list(cars.items())
        for first in range(0, len(rows), BATCH):
            ingest.append(
                [
                    Event(event=ITEM_UPSERTED, item_id=item, attributes=dict(attributes))
                    for item, attributes in rows[first : first + BATCH]
                ]
            )
        ids = list(cars)
        ingest.append(
            [
                Event(event="view", user_id=user, item_id=ids[(31 * at + step) % len(ids)])
                for at, user in enumerate(VISITORS)
                for step in range(5)
            ]
        )
    dataset = trained.dataset(14)
    releases = open_releases(settings.home)
    spaces = {}
    for seed, alias in ((1, "stable"), (2, "canary")):
        model = WrittenRealtime(RealtimeConfig(seed=seed)).fit(dataset)
        release = releases.create(model, name="cars", dataset=dataset)
        releases.promote(release.ref, alias, by="soak", reason="of two spaces")
        assert model.nets is not None
        spaces[release.ref] = model.nets.space
    releases.close()
    return Market(settings, folder, cars, spaces)


def _write_settings(file: Path, cars: Cars, url: str, port: int) -> None:
    schema = cars.schema
    tables: dict[str, Any] = {
        "home": "home",
        "events": {name: one.model_dump(mode="json") for name, one in schema.events.items()},
        "items": {
            name: one.model_dump(mode="json", exclude_none=True)
            for name, one in schema.items.items()
        },
        "store": {"url": url, "namespace": "soak"},
        "profile": ProfileSettings().model_dump(mode="json", exclude_none=True),
        "serve": {
            **ServeSettings(port=port, workers=2, poll_s=0.1, drain_timeout_s=2.0).model_dump()
        },
        "observe": {"log_requests": "none"},
        "retrieval": {"refresh_s": REFRESH_S, "stagger_s": 0.0, "least_overlap": 0.0},
        "surfaces": {
            HOME: {
                "k": 20,
                "sources": [
                    {"kind": "neighbours", "depth": 200},
                    {"kind": "popular", "depth": 50},
                ],
                "rerank": [{"kind": "spread", "attribute": "dealer", "most": 3}],
                "budget_ms": 2_000.0,
            },
            PROBE: {
                "k": 5,
                "sources": [{"kind": "neighbours", "depth": 50}],
                "fallback": [],
                "exclude_seen": False,
                "budget_ms": 2_000.0,
            },
        },
    }
    file.write_text("".join(f"{name} = {_toml(value)}\n" for name, value in tables.items()))


def _toml(value: Any) -> str:
    """A value as TOML has it on one line."""
    if isinstance(value, dict):
        inner = ", ".join(f"{json.dumps(name)} = {_toml(one)}" for name, one in value.items())
        return "{ " + inner + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return json.dumps(value)

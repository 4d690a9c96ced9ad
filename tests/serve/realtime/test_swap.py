"""A release of nets takes over with its index, or not at all."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

from tests.serve.realtime.market import SPORTS, view

from palate.config import Settings
from palate.events.schema import ITEM_DELETED, Event
from palate.release.registry import open_releases
from palate.retrieval.index.base import VectorIndex
from palate.retrieval.index.local import LocalIndex
from palate.serve.counters import Counters
from palate.serve.shelf import Shelf
from palate.serve.spaces import ServedNets, SpaceIndex, Spaces
from palate.serve.worker import refresh
from palate.testing.process import until
from palate.testing.service import InProcessService

ASK = {"user_id": "van", "surface": "home"}


def promote(service: InProcessService, ref: str) -> None:
    releases = open_releases(service.settings.home)
    releases.promote(ref, "stable", by="test", reason="asked for")
    releases.close()


def answered(service: InProcessService, **more: Any) -> dict[str, Any]:
    document: dict[str, Any] = service.request("POST", "/v1/recommendations", {**ASK, **more}).json
    return document


def ids(document: dict[str, Any]) -> list[str]:
    return [one["item_id"] for one in document["items"]]


def spaces(service: InProcessService) -> dict[str, str]:
    loaded = service.context.shelf.view.loaded.values()
    return {one.ref: one.nets.space for one in loaded if one.nets is not None}


def test_nets_and_index_switch_together_and_back(service: InProcessService) -> None:
    first = answered(service)
    promote(service, "nets:2")
    assert answered(service)["release"] == "nets:1", "until it is there"
    refresh(service.context)
    second = answered(service)
    assert (first["release"], second["release"]) == ("nets:1", "nets:2")
    assert first["space"] != second["space"]
    assert second["degraded"] is False
    assert answered(service, release="nets:1")["space"] == first["space"], "kept for the way back"
    promote(service, "nets:1")
    refresh(service.context)
    assert ids(answered(service)) == ids(first)


class GivenIndex:
    """The index of a space that nobody embeds: empty, or none at all."""

    snapshot = ""

    def __init__(self, index: VectorIndex | None) -> None:
        self.index = index

    def refresh(self) -> bool:
        return False

    def follow(self) -> int:
        return 0


def test_an_index_is_loaded_at_once_if_nothing_answers_and_else_in_turn(
    market: Settings, tmp_path: Path
) -> None:
    told: list[bool] = []
    given = [LocalIndex(64), None]

    def make(nets: ServedNets, *, waits: bool) -> SpaceIndex:
        told.append(waits)
        return GivenIndex(given.pop(0))

    releases = open_releases(market.home)
    shelf = Shelf(releases, Counters(tmp_path / "c.bin"), spaces=Spaces(make))
    shelf.refresh()
    releases.promote("nets:2", "stable", by="test", reason="asked for")
    shelf.refresh()
    assert told == [False, True]
    assert shelf.view.aliases["stable"].ref == "nets:1"
    assert str(shelf.view.waiting["stable"]) == "nets:2 waits: its space has no index yet"
    releases.close()


def test_what_was_sold_comes_back_with_no_swap(service: InProcessService) -> None:
    sold = answered(service)["items"][0]["item_id"]
    assert service.context.spaces is not None
    service.ingest.append([Event(event=ITEM_DELETED, item_id=sold)])
    promote(service, "nets:2")
    refresh(service.context)
    for ref in ("nets:2", "nets:1"):
        items = ids(answered(service, k=50, release=ref))
        assert len(items) == 36
        assert sold not in items
    service.context.spaces.follow()
    for one in service.context.shelf.view.loaded.values():
        assert one.space is not None
        assert one.space.index is not None
        assert len(one.space.index) == 39


def test_a_release_waits_for_its_profiles(service: InProcessService) -> None:
    shelf = service.context.shelf
    shelf._reaches = lambda fingerprint: False
    promote(service, "nets:2")
    refresh(service.context)
    assert answered(service)["release"] == "nets:1"
    shelf._reaches = lambda fingerprint: True
    refresh(service.context)
    assert answered(service)["release"] == "nets:2"


def test_a_release_whose_index_is_far_too_small_waits(service: InProcessService) -> None:
    promote(service, "nets:2")
    loaded = service.context.shelf._load("nets:2")
    assert loaded is not None
    assert loaded.space is not None
    loaded.space.refresh()
    index: Any = loaded.space.index
    index.delete(SPORTS)
    index.delete(["v00"])
    service.context.shelf._waiting = {"nets:2": loaded}
    refresh(service.context)
    assert answered(service)["release"] == "nets:1"
    promote(service, "nets:3")
    refresh(service.context)
    assert answered(service)["release"] == "nets:3"


def test_no_answer_mixes_versions_while_releases_are_swapped(service: InProcessService) -> None:
    """Threads ask while the alias goes to and fro: whatever answers, answers as a whole."""
    promote(service, "nets:2")
    refresh(service.context)
    of = spaces(service)
    service.ingest.append([view("van", "v07")])
    best = {ref: ids(answered(service, release=ref)) for ref in of}
    failed: list[Any] = []
    seen: Counter[str] = Counter()
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            got = answered(service)
            ref = got["release"]
            if (got["space"], ids(got), got["degraded"]) != (of[ref], best[ref], False):
                failed.append(got)
            seen[ref] += 1

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(20):
        before = sum(seen.values())
        promote(service, f"nets:{number % 2 + 1}")
        refresh(service.context)
        until(lambda before=before: sum(seen.values()) > before + 3)  # type: ignore[misc]
    stop.set()
    for thread in threads:
        thread.join()
    assert failed == []
    assert min(seen["nets:1"], seen["nets:2"]) > 0

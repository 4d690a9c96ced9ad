"""Ready is who has an index: until then traffic goes elsewhere, and answers are degraded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from tests.serve.realtime.market import settings_of

from palate.config import Settings
from palate.features.ingest import open_ingest
from palate.release.registry import open_releases
from palate.retrieval.processes import run_embedder, run_indexer
from palate.serve.app import Service
from palate.serve.counters import Counters
from palate.serve.layout import Layout
from palate.serve.lifecycle import Lifecycle
from palate.serve.worker import open_context, refresh
from palate.testing.process import until
from palate.testing.service import DirectWriter, InProcessService

ASK = {"user_id": "van", "surface": "home"}


@contextmanager
def following(settings: Settings) -> Iterator[InProcessService]:
    """A worker that takes its index from snapshots; no embedder and no indexer run beside it."""
    with ExitStack() as opened:
        worker = InProcessService(settings)
        worker.ingest = opened.enter_context(open_ingest(settings.home, settings))
        worker.writer = DirectWriter(worker.ingest)
        counters = Counters(Layout(settings.home).counters("worker-0"))
        opened.callback(counters.close)
        worker.context = opened.enter_context(
            open_context(settings, worker.writer, counters, Lifecycle(started=True), replica=0)
        )
        worker.app = Service(worker.context)
        yield worker


@contextmanager
def roles(settings: Settings) -> Iterator[None]:
    stop = threading.Event()
    runs: tuple[Callable[..., None], ...] = (run_embedder, run_indexer)
    threads = [threading.Thread(target=run, args=(settings, stop)) for run in runs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def answered(worker: InProcessService) -> Any:
    return worker.request("POST", "/v1/recommendations", ASK).json


@pytest.mark.slow
def test_until_there_is_an_index_it_is_not_ready(market: Settings) -> None:
    with following(market) as worker:
        told = worker.request("GET", "/readyz")
        assert told.status == 503
        assert "not indexed in the space of nets:1 yet" in told.json["detail"]
        degraded = answered(worker)
        assert degraded["degraded"] is True, "who asks all the same is answered"
        assert len(degraded["items"]) == 5

        def is_ready() -> bool:
            refresh(worker.context)
            return worker.request("GET", "/readyz").status == 200

        with roles(market):
            until(is_ready)
        assert answered(worker)["degraded"] is False


@pytest.mark.slow
def test_who_begins_while_a_release_waits_answers_as_all_others_do(market: Settings) -> None:
    def shows(worker: InProcessService, release: str) -> bool:
        refresh(worker.context)
        answer = answered(worker)
        return (answer["release"], answer["degraded"]) == (release, False)

    with following(market) as worker, roles(market):
        until(lambda: shows(worker, "nets:1"))
    releases = open_releases(market.home)
    releases.promote("nets:2", "stable", by="test", reason="nobody embeds yet")
    releases.close()
    with following(market) as worker:  # as after a restart
        assert shows(worker, "nets:1")
        assert worker.request("GET", "/readyz").status == 200
        with roles(market):
            until(lambda: shows(worker, "nets:2"))


def test_without_items_there_is_nothing_to_wait_for(market: Settings) -> None:
    """They come through this very service: nobody must be kept from sending them."""
    empty = settings_of(market.home.with_name("empty"))
    empty.home.mkdir()
    for name in ("objects", "registry.sqlite"):
        (market.home / name).rename(empty.home / name)
    releases = open_releases(empty.home)
    assert releases.aliases()["stable"] == "nets:1"
    releases.close()
    with following(empty) as worker:
        assert worker.request("GET", "/readyz").status == 200
        assert answered(worker)["items"] == []

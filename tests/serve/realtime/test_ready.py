"""Ready is who has an index: until then traffic goes elsewhere, and answers are degraded."""

from __future__ import annotations

from typing import Any

import pytest
from tests.serve.realtime.market import settings_of
from tests.serve.realtime.worker import following, roles

from palate.config import Settings
from palate.release.registry import open_releases
from palate.serve.worker import refresh
from palate.testing.process import until
from palate.testing.service import InProcessService

ASK = {"user_id": "van", "surface": "home"}


def answered(worker: InProcessService) -> Any:
    return worker.request("POST", "/v1/recommendations", ASK).json


@pytest.mark.slow
def test_until_there_is_an_index_it_is_not_ready(market: Settings) -> None:
    with following(market) as worker:
        told = worker.request("GET", "/readyz")
        assert told.status == 503
        assert told.json["detail"] == "release nets:1 waits: its space has no index yet"
        degraded = answered(worker)
        assert degraded["degraded"] is True, "who asks all the same is answered"
        assert degraded["release"] is None
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

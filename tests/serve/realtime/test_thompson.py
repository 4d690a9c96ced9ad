"""Thompson sampling in the service: what was shown and not taken is tried less often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from tests.serve.realtime.market import upserted

from palate.config import LogSettings
from palate.events.identity import uuid7
from palate.events.schema import SERVED, Event
from palate.events.served import Slate, served_event, slate_of
from palate.testing.service import Answered, InProcessService

SURFACES = {
    "tried": {
        "k": 3,
        "exclude_seen": False,
        "sources": [{"kind": "neighbours"}, {"kind": "new", "depth": 2}],
        "rerank": [{"kind": "explore", "choice": "thompson", "epsilon": 1.0}],
        "budget_ms": 10_000.0,
    }
}
LOVED, LEFT = "v90", "s90"
Market = Callable[..., AbstractContextManager[InProcessService]]


def ask(service: InProcessService) -> Answered:
    return service.request("POST", "/v1/recommendations", {"user_id": "van", "surface": "tried"})


def shown(service: InProcessService, item: str, *, taken: bool) -> None:
    """Forty slates with it, by any worker; and what people did then."""
    for _ in range(40):
        slate = Slate(
            request_id=uuid7(), timestamp=1, items=[item], scores=[0.0], propensities=[0.1]
        )
        service.ingest.append([served_event(slate, uuid7())])
        if taken:
            took = Event(event="view", user_id="x", item_id=item, request_id=slate.request_id)
            service.ingest.append([took])


def propensities(service: InProcessService) -> dict[str, float]:
    """As logged, of each item that was drawn in a hundred slates."""
    before = service.ingest.log.head()
    for _ in range(100):
        assert ask(service).json["degraded"] is False
    asyncio.run(service.context.outbox.flush())
    slates = [
        slate_of(r.event) for r in service.ingest.log.read(before, limit=500, events=[SERVED])
    ]
    assert len(slates) == 100
    return {slate.items[-1]: slate.propensities[-1] for slate in slates}


def follow(service: InProcessService) -> None:
    assert service.context.trials is not None
    service.context.catalogue.follow()
    while service.context.trials.follow():
        pass


def test_what_nobody_took_is_tried_less_also_after_a_restart(market_of: Market) -> None:
    with market_of(surfaces=SURFACES) as service:
        service.ingest.append([upserted(LOVED), upserted(LEFT)])
        follow(service)
        alike = propensities(service)
        assert alike[LOVED] == pytest.approx(0.5)
        assert alike[LEFT] == pytest.approx(0.5)
        shown(service, LOVED, taken=True)
        shown(service, LEFT, taken=False)
        follow(service)
        after = propensities(service)
        assert after[LOVED] > 0.9
        assert after.get(LEFT, 0.025) == pytest.approx(0.025, abs=1e-6), "5 % are shared evenly"
        follow(service)
        trials = service.context.trials
        assert trials is not None
        counts = trials.counts([LOVED, LEFT, "v00"]).tolist()
        assert counts[0][1] == 40
        assert sum(shown for shown, _ in counts) == 40 + 40 + 200, "our own slates are tries too"
        settings = service.settings
    with InProcessService(settings) as again:
        assert again.context.trials is not None
        assert again.context.trials.counts([LOVED, LEFT, "v00"]).tolist() == counts
        assert propensities(again)[LOVED] > 0.9


def test_the_only_new_item_is_counted_though_its_draw_was_certain(market_of: Market) -> None:
    only = {**SURFACES["tried"], "sources": [{"kind": "neighbours"}, {"kind": "new", "depth": 1}]}
    with market_of(surfaces={"tried": only}) as service:
        service.ingest.append([upserted(LOVED)])
        follow(service)
        assert propensities(service) == {LOVED: 1.0}
        follow(service)
        assert service.context.trials is not None
        assert service.context.trials.counts([LOVED]).tolist() == [[100, 0]]


def test_slates_that_are_not_logged_leave_no_counts(market_of: Market) -> None:
    with market_of(surfaces=SURFACES, log=LogSettings(served=False)) as service:
        service.ingest.append([upserted(LOVED), upserted(LEFT)])
        service.context.catalogue.follow()
        assert service.context.trials is None
        answered: Any = ask(service).json
        assert [one["stage"] for one in answered["fell_back"]] == ["trials"]


def test_who_does_not_ask_for_counts_pays_nothing(reading: InProcessService) -> None:
    assert reading.context.trials is None

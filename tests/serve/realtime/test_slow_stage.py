"""Slow and broken stages in the service: the slate comes, says what it lacks, and recovers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from palate.models.realtime.nets import Nets
from palate.testing.process import until
from palate.testing.service import InProcessService

Market = Callable[..., AbstractContextManager[InProcessService]]
SOURCES = [{"kind": "neighbours", "depth": 20}, {"kind": "popular", "depth": 20}]
NEVER_MS = 1e-6  # no work is as quick


def surfaces(**more: Any) -> dict[str, Any]:
    return {"home": {"k": 5, "sources": SOURCES, "budget_ms": 10_000.0, **more}}


def ask(service: InProcessService) -> dict[str, Any]:
    told = service.request("POST", "/v1/recommendations", {"user_id": "van", "surface": "home"})
    assert told.status == 200, told.body
    document: dict[str, Any] = told.json
    return document


def lacking(document: dict[str, Any]) -> dict[str, str]:
    return {one["stage"]: one["why"] for one in document.get("fell_back", [])}


def values(document: dict[str, Any], name: str) -> list[Any]:
    """Of the items, in their order."""
    return [one[name] for one in document["items"]]


def degraded(service: InProcessService) -> float:
    text = service.request("GET", "/metrics").body.decode()
    (line,) = (x for x in text.splitlines() if x.startswith("palate_degraded_total "))
    return float(line.rpartition(" ")[2])


def test_when_the_budget_is_gone_what_is_popular_answers(market_of: Market) -> None:
    with market_of(surfaces=surfaces(budget_ms=NEVER_MS)) as service:
        answered = ask(service)
        assert len(answered["items"]) == 5
        assert answered["degraded"] is True
        assert "were gone" in lacking(answered)["sources.neighbours"]
        assert degraded(service) == 1


@pytest.mark.parametrize(
    ("slow", "stage"),
    [
        ({"budgets_ms": {"score": NEVER_MS}}, "score"),
        ({"budgets_ms": {"user": NEVER_MS}}, "user"),
        ({"budgets_ms": {"vectors": NEVER_MS}, "rerank": [{"kind": "mmr"}]}, "vectors"),
        (
            {"sources": [{"kind": "neighbours", "budget_ms": NEVER_MS}, {"kind": "popular"}]},
            "sources.neighbours",
        ),
        (
            {
                "rerank": [
                    {"kind": "spread", "attribute": "dealer", "most": 1, "budget_ms": NEVER_MS}
                ]
            },
            "rerank.spread",
        ),
    ],
)
def test_a_stage_that_is_late_again_and_again_rests(
    market_of: Market, slow: dict[str, Any], stage: str
) -> None:
    with market_of(surfaces=surfaces(**slow)) as service:
        for _ in range(3):
            late = ask(service)
            assert stage not in lacking(late), "its work is in the answer"
            assert late["degraded"] is False
            assert [(one["stage"], one["budget_ms"]) for one in late["late"]] == [(stage, NEVER_MS)]
            assert len(late["items"]) == 5
        resting: dict[str, Any] = {}

        def rests() -> bool:
            """At once, unless this machine paused for a second."""
            resting.update(ask(service))
            return "rests" in lacking(resting).get(stage, "")

        until(rests)
        assert resting["degraded"] is True
        assert len(resting["items"]) == 5
        assert degraded(service) >= 1


@pytest.mark.parametrize("stage", ["person", "hydrate", "filter", "fuse", "verify"])
def test_what_a_slate_cannot_do_without_is_late_and_never_rests(
    market_of: Market, stage: str
) -> None:
    with market_of(surfaces=surfaces(budgets_ms={stage: NEVER_MS})) as service:
        for _ in range(5):
            late = ask(service)
            assert (late["degraded"], lacking(late)) == (False, {})
            assert {one["stage"] for one in late["late"]} == {stage}
            assert all(one["ms"] > one["budget_ms"] for one in late["late"])
            assert len(late["items"]) == 5
        assert degraded(service) == 0


def test_an_explanation_has_each_stage_beside_its_budget(market_of: Market) -> None:
    more = surfaces(budgets_ms={"person": 1234.0})
    with market_of(surfaces=more) as service:
        body = {"user_id": "van", "surface": "home", "explain": True}
        told = service.request("POST", "/v1/recommendations", body)
        steps = {one["stage"]: one for one in told.json["explanation"]["steps"]}
        assert next(iter(steps)) == "person"
        assert steps["person"]["budget_ms"] == 1234
        assert steps["filter"]["budget_ms"] == 10_000
        assert "late" not in told.json


def test_a_net_that_fails_rests_and_comes_back(
    market_of: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Nets.rank
    with market_of(surfaces=surfaces()) as service:
        whole = ask(service)

        def broken(*given: Any) -> Any:
            raise RuntimeError("the graph has lost its weights")

        monkeypatch.setattr(Nets, "rank", broken)
        for _ in range(3):
            assert lacking(ask(service)) == {"score": "failed: RuntimeError"}
        until(lambda: "rests" in lacking(ask(service))["score"])
        monkeypatch.setattr(Nets, "rank", plain)
        until(lambda: not lacking(ask(service)))  # it is tried again after a second
        again = ask(service)
        assert values(again, "item_id") == values(whole, "item_id")
        # A second later, the last digit of a float32 may be another.
        assert values(again, "score") == pytest.approx(values(whole, "score"), abs=1e-6)

"""The laws of the stages, over surfaces, people and faults drawn at random."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pipeline.fakes import (
    NOW_US,
    SCHEMA,
    World,
    asked,
    candidates,
    name,
    request,
    surface,
    towards,
)

from palate.pipeline.filter import parse_filter
from palate.pipeline.rerank import Freshness, MaximalMarginalRelevance, Spread
from palate.pipeline.rerank.base import ranked
from palate.pipeline.run import Pipeline
from palate.pipeline.stage import Reranker

SOURCES = st.lists(
    st.sampled_from(
        [
            {"kind": "neighbours", "depth": 12},
            {"kind": "similar_to_recent", "depth": 12},
            {"kind": "popular", "depth": 9},
            {"kind": "attributes", "where": {"make": "BMW"}, "depth": 8},
            {"kind": "probe"},
        ]
    ),
    max_size=4,
).map(lambda some: [*some, {"kind": "new", "depth": 7}])
RERANK = st.tuples(*[st.booleans()] * 4).map(
    lambda on: [
        stage
        for stage, is_on in zip(
            (
                {"kind": "freshness", "attribute": "listed"},
                {"kind": "mmr"},
                {"kind": "spread", "attribute": "dealer", "most": 1},
                {"kind": "explore", "slots": 3, "epsilon": 0.7, "choice": "thompson"},
            ),
            on,
            strict=True,
        )
        if is_on
    ]
)
FAULTS = st.sampled_from(["none", "fails", "slow", "missing"])


@settings(max_examples=80)
@given(st.data())
def test_whatever_fails_there_is_a_slate_of_what_may_be_shown(data: st.DataObject) -> None:
    world = World(data.draw(st.sampled_from([1, 5, 40])))
    gone = data.draw(st.sets(st.integers(0, world.n - 1)))
    for at, i in enumerate(sorted(gone)):
        if at % 2:
            world.items.put(name(i), deleted=True)
        else:
            world.items.put(name(i), hidden=True)
    seen = {name(i) for i in data.draw(st.sets(st.integers(0, 39)))}
    person = towards(1.0, seen=seen, recent=("i003",), blocked={"dealer": {"d7"}})
    whole = data.draw(st.booleans())
    parts: dict[str, Any] = {}
    for part in ("index", "nets", "lists"):
        fault = "none" if whole else data.draw(FAULTS, label=part)
        if fault == "missing":
            parts[part] = None
        elif fault != "none":
            getattr(world, part).before = fails if fault == "fails" else lambda: slow(world)
    raw = {"sources": data.draw(SOURCES), "rerank": data.draw(RERANK), "worth": {}}
    pipeline = Pipeline(surface(**raw), world.parts(**parts), clock=world.clock)
    k = data.draw(st.integers(1, 12))
    wanted = parse_filter(data.draw(st.sampled_from([{}, {"make": "Audi"}])), SCHEMA)
    slate = pipeline.run(request(person, k=k, filter=wanted, explain=True))

    may = [
        i
        for i, state in world.items.states.items()
        if state.showable
        and i not in seen
        and state.attributes["dealer"] != "d7"
        and wanted.matches(state.attributes)
    ]
    assert len(set(slate.ids)) == len(slate.ids) <= k
    assert set(slate.ids) <= set(may)
    for column in (slate.scores, slate.propensities, slate.sources, slate.attributes):
        assert len(column) == len(slate.ids)
    assert np.isfinite(slate.scores).all()
    assert ((slate.propensities > 0) & (slate.propensities <= 1)).all()
    assert slate.journey is not None
    if parts.get("lists", world.lists) is not None and world.lists.before is not fails:
        assert len(slate) == min(k, len(may))  # a full one, whatever else is broken
    if len(slate) < min(k, len(may)):
        assert slate.is_degraded


def fails() -> None:
    raise RuntimeError("broken")


def slow(world: World) -> None:
    world.clock.pass_ms(30)


@pytest.mark.parametrize(
    "stage",
    [
        Freshness(kind="freshness", attribute="listed"),
        MaximalMarginalRelevance(kind="mmr"),
        Spread(kind="spread", attribute="dealer", most=1),
    ],
    ids=lambda stage: stage.kind,
)
@given(st.lists(st.floats(-10, 10) | st.just(float("nan")), max_size=30), st.integers(1, 40))
def test_a_reranker_neither_adds_nor_drops_and_nan_stays_behind(
    stage: Reranker, scores: list[float], k: int
) -> None:
    n = len(scores)
    some = candidates(
        scores,
        vectors=np.ones((n, 2)),  # type: ignore[arg-type]
        attributes=[{"dealer": f"d{i % 3}", "listed": NOW_US} for i in range(n)],
    )
    order = stage.rerank(ranked(some), asked(k=k)).order.tolist()
    assert sorted(order) == list(range(n))
    unknown = [bool(np.isnan(scores[row])) for row in order]
    assert unknown == sorted(unknown)

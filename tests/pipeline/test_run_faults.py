"""Pipelines under faults and slow stages: there always is a slate, and it says what it lacks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from tests.pipeline.fakes import World, name, request, run, surface, towards

from palate.errors import ConfigError, DataError
from palate.pipeline.person import Person
from palate.pipeline.run import Pipeline

# ---------------------------------------------------------------------- numeric edges, faults


def test_an_empty_catalogue_gives_an_empty_slate() -> None:
    world = World(0)
    slate = run(world)
    assert slate.ids == []
    assert slate.scores.shape == (0,)
    assert slate.cursor is None
    assert not slate.is_degraded


def test_a_catalogue_of_one() -> None:
    raw = {
        "sources": [{"kind": "neighbours"}, {"kind": "new"}],
        "rerank": [
            {"kind": "freshness"},
            {"kind": "mmr"},
            {"kind": "spread", "attribute": "dealer"},
            {"kind": "explore"},
        ],
    }
    slate = run(World(1), raw)
    assert slate.ids == ["i000"]
    assert slate.propensities.tolist() == [1.0]


@pytest.mark.parametrize("k", [0, -1, 1001, 1_000_000])
def test_an_impossible_k_is_refused(world: World, k: int) -> None:
    with pytest.raises(DataError, match="from 1 to 1000"):
        run(world, k=k)


def test_the_largest_k_gets_what_there_is(world: World) -> None:
    assert sorted(run(world, k=1000).ids) == world.ids


def test_nan_scores_sink_and_are_counted(world: World) -> None:
    def spoil(given: Any) -> Any:
        given[:2] = np.nan
        given[2] = np.inf
        return given

    world.nets.spoil = spoil
    slate = run(world, k=100)
    assert slate.nan_scores == 3
    assert slate.ids[0] == "i003"
    assert set(slate.ids[-3:]) == {"i000", "i001", "i002"}
    assert np.isfinite(slate.scores).all()
    assert (np.diff(slate.scores) <= 0).all()


def test_nets_that_give_nothing_but_nan_are_not_believed(world: World) -> None:
    world.nets.spoil = lambda given: given * np.float32(np.nan)
    slate = run(world, k=3)
    assert slate.ids == ["i000", "i001", "i002"]  # the index's order
    assert [d.stage for d in slate.degraded] == ["score"]
    assert slate.nan_scores == 100


def test_a_user_embedding_of_nan_falls_back(world: World) -> None:
    world.nets.user = lambda profile: profile * np.float32(np.nan)
    slate = run(world, k=2)
    assert slate.ids == ["i099", "i098"]
    assert [d.stage for d in slate.degraded] == ["sources.neighbours", "score"]


def test_nets_of_the_wrong_shape_are_not_believed(world: World) -> None:
    world.nets.spoil = lambda given: given[1:]
    slate = run(world, k=3)
    assert len(slate) == 3
    assert [(d.stage, d.why) for d in slate.degraded] == [("score", "failed: DataError")]


def test_constant_scores_keep_the_order_of_the_sources(world: World) -> None:
    world.nets.spoil = lambda given: np.ones_like(given)
    assert run(world, k=3).ids == ["i000", "i001", "i002"]


def test_items_without_a_vector_come_last(world: World) -> None:
    world.items.states["z"] = world.state(5)
    world.lists._popular.insert(0, "z")
    slate = run(world, {"sources": [{"kind": "popular", "depth": 5}]}, k=5)
    assert slate.ids == ["i096", "i097", "i098", "i099", "z"]
    assert slate.nan_scores == 0
    assert slate.scores[4] == slate.scores[3]


def test_where_no_item_has_a_vector_the_sources_decide(world: World) -> None:
    world.index.vectors = (  # type: ignore[method-assign]
        lambda ids: np.full((len(ids), 2), np.nan, np.float32)
    )
    slate = run(world, {"sources": [{"kind": "popular"}]}, k=2)
    assert slate.ids == ["i099", "i098"]
    assert [(d.stage, d.why) for d in slate.degraded] == [("score", "no item has a vector")]
    assert slate.nan_scores == 0


def test_items_without_attributes(world: World) -> None:
    for i in range(100):
        world.items.states[name(i)] = type(world.state(0))(1, 0)
    raw = {
        "rerank": [
            {"kind": "freshness", "attribute": "listed"},
            {"kind": "spread", "attribute": "dealer"},
        ]
    }
    slate = run(world, raw, k=3)
    assert slate.ids == ["i000", "i001", "i002"]
    assert not slate.is_degraded


# ---------------------------------------------------------------------- always an answer


@pytest.mark.parametrize("broken", ["index", "nets", "lists"])
def test_any_part_may_break(world: World, broken: str) -> None:
    def fail() -> None:
        raise RuntimeError("broken")

    getattr(world, broken).before = fail
    raw = {"sources": [{"kind": "neighbours"}, {"kind": "popular"}]}
    slate = run(world, raw, k=5)
    assert len(slate) == 5
    assert slate.is_degraded
    assert all(d.why == "failed: RuntimeError" for d in slate.degraded)


@pytest.mark.parametrize("missing", ["index", "nets", "lists"])
def test_any_part_may_be_missing(world: World, missing: str) -> None:
    raw = {
        "sources": [{"kind": "neighbours"}, {"kind": "popular"}],
        "rerank": [{"kind": "mmr"}],
    }
    slate = run(world, raw, k=5, parts=world.parts(**{missing: None}))
    assert len(slate) == 5
    assert slate.is_degraded


def test_with_nothing_at_all_the_slate_is_empty_and_says_why(world: World) -> None:
    slate = run(world, k=5, parts=world.parts(index=None, nets=None, lists=None))
    assert slate.ids == []
    assert [(d.stage, d.why) for d in slate.degraded] == [
        ("sources.neighbours", "there are no nets"),
        ("score", "there are no nets"),
    ]


def test_an_index_that_cannot_probe_says_so(world: World) -> None:
    slate = run(world, {"sources": [{"kind": "probe"}]}, k=3)
    assert len(slate) == 3
    assert slate.degraded[0].stage == "sources.probe"
    world.index.probe = world.index.search  # type: ignore[attr-defined]
    assert run(world, {"sources": [{"kind": "probe"}]}, k=1).ids == ["i000"]


def test_an_outcome_that_the_nets_do_not_know_is_refused_before_the_first_request(
    world: World,
) -> None:
    world.nets.outcomes = ("view",)  # type: ignore[assignment]
    with pytest.raises(ConfigError, match=r"worth\.save"):
        Pipeline.of(surface(worth={"save": 2.0}), world.parts())


def test_a_source_whose_scores_do_not_fit_is_not_believed(world: World) -> None:
    search = world.index.search

    def cut(*given: Any, **named: Any) -> Any:
        (hits,) = search(*given, **named)
        return [type(hits)(hits.ids, hits.scores[1:])]

    world.index.search = cut  # type: ignore[method-assign]
    slate = run(world, k=2)
    assert len(slate) == 2
    assert [(d.stage, d.why) for d in slate.degraded] == [
        ("sources.neighbours", "failed: DataError")
    ]


# ---------------------------------------------------------------------- budgets


def test_when_the_budget_is_gone_optional_stages_are_skipped(world: World) -> None:
    world.index.before = lambda: world.clock.pass_ms(60)
    raw = {
        "budget_ms": 50,
        "sources": [{"kind": "neighbours"}, {"kind": "popular"}],
        "rerank": [{"kind": "mmr"}, {"kind": "spread", "attribute": "dealer"}],
    }
    slate = run(world, raw, k=5)
    assert slate.ids == ["i000", "i001", "i002", "i003", "i004"]
    assert [d.stage for d in slate.degraded] == [
        "sources.popular", "vectors", "score", "rerank.mmr", "rerank.spread",
    ]  # fmt: skip
    assert all("50 ms were gone" in d.why for d in slate.degraded)
    (ran,) = [step for step in slate.steps if step.stage == "sources.neighbours"]
    assert ran.ms == pytest.approx(60)
    assert ran.items == 100


def test_a_slow_person_still_gets_something(world: World) -> None:
    class People:
        def person(self, user_id: str | None, anonymous_id: str | None, now_us: int) -> Person:
            world.clock.pass_ms(1000)
            return towards(1.0)

    pipeline = Pipeline(surface(), world.parts(people=People()), clock=world.clock)
    slate = pipeline.run(replace(request(k=5), person=None))
    assert slate.ids[0] == "i099"
    assert len(slate) == 5
    assert "sources.neighbours" in [d.stage for d in slate.degraded]


def test_a_stage_that_overruns_again_and_again_rests(world: World) -> None:
    world.index.before = lambda: world.clock.pass_ms(10)
    raw = {"sources": [{"kind": "neighbours", "budget_ms": 5}, {"kind": "popular"}]}
    pipeline = Pipeline(surface(**raw), world.parts(), clock=world.clock)
    for _ in range(3):
        assert not pipeline.run(request(k=1)).is_degraded  # late, but whole
    resting = pipeline.run(request(k=1))
    assert [(d.stage, d.why.split(":")[0]) for d in resting.degraded] == [
        ("sources.neighbours", "rests")
    ]
    world.index.before = lambda: None
    world.clock.pass_ms(1500)
    assert not pipeline.run(request(k=1)).is_degraded


def test_a_rank_net_that_overruns_again_and_again_rests(world: World) -> None:
    world.nets.before = lambda: world.clock.pass_ms(10)
    pipeline = Pipeline(surface(budgets_ms={"score": 5}), world.parts(), clock=world.clock)
    for _ in range(3):
        assert not pipeline.run(request(k=1)).is_degraded
    assert [d.stage for d in pipeline.run(request(k=1)).degraded] == ["score"]

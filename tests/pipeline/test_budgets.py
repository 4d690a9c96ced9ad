"""Every stage has a budget and a fallback: each is made slow and made to fail, by its name."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from msgspec.structs import replace
from tests.pipeline.fakes import SCHEMA, Counts, Memory, World, name, request, run, surface, towards

import palate.pipeline
from palate.pipeline.breaker import TRIPS
from palate.pipeline.budget import FALLBACKS, SHARED_STAGES, fallback_of
from palate.pipeline.course import Course
from palate.pipeline.filter import parse_filter
from palate.pipeline.parts import Attributes
from palate.pipeline.person import Person
from palate.pipeline.request import Request
from palate.pipeline.run import Pipeline
from palate.pipeline.slate import RankedSlate
from palate.pipeline.surface import SurfaceSettings
from palate.types import Float32Array

T = TypeVar("T")

SOURCES = ("neighbours", "similar_to_recent", "popular", "new", "attributes", "probe")
STAGES: Mapping[str, Any] = {
    "sources": [{"kind": kind, "depth": 3} for kind in SOURCES],
    "rerank": [
        {"kind": "freshness"},
        {"kind": "mmr"},
        {"kind": "spread", "attribute": "dealer"},
        {"kind": "spread", "attribute": "make", "most": 9},
        {"kind": "explore", "epsilon": 0.5, "choice": "thompson"},
    ],
}
NAMES = tuple(SurfaceSettings.model_validate(STAGES).budgets())
NEVER_LEFT_OUT = {
    "person", "fallback.popular", "fallback.new", "hydrate", "filter", "fuse", "verify", "explain",
}  # fmt: skip
LADAS = tuple(range(92, 98))
SLOW_MS, BUDGET_MS = 10.0, 5.0


class People:
    def person(self, user_id: str | None, anonymous_id: str | None, now_us: int) -> Person:
        return towards(1.0, recent=("i003",), seen={name(LADAS[0])})


class Features:
    fingerprint = "f"

    def rows(
        self, person: Person, attributes: Attributes, context: Mapping[str, Any] | None
    ) -> Float32Array:
        return np.zeros((len(attributes), 1), np.float32)


def whole(world: World, **raw: Any) -> Pipeline:
    """A pipeline whose one request of `question` goes through every stage that there is."""
    for i in LADAS:
        world.items.put(name(i), make="Lada")
    world.index.probe = world.index.search  # type: ignore[attr-defined]
    parts = world.parts(
        people=People(),
        remembered=Memory(world),
        features=Features(),
        trials=Counts({}),
    )
    return Pipeline(surface(**STAGES, **raw), parts, clock=world.clock)


def question() -> Request:
    """Few items pass, so that the lists of the last resort are asked, and names are named."""
    wanted = parse_filter({"make": "Lada"}, SCHEMA)
    return replace(request(k=5, filter=wanted, explain=True, seed=7), person=None)


def disturbed(monkeypatch: pytest.MonkeyPatch, stage: str, before: Callable[[], None]) -> None:
    """Let something happen within the work of one stage, whatever it is."""
    plain = Course.attempt

    def attempt(
        course: Course,
        name: str,
        work: Callable[[], T],
        fallback: Callable[[], T],
        *,
        optional: bool = True,
    ) -> T:
        def other() -> T:
            before()
            return work()

        return plain(course, name, other if name == stage else work, fallback, optional=optional)

    monkeypatch.setattr(Course, "attempt", attempt)


def fails() -> None:
    raise RuntimeError("broken")


def own_budget(stage: str) -> dict[str, Any]:
    """The settings that give one stage a budget, and the request all the time that it wants."""
    part, _, kind = stage.partition(".")
    if part not in ("sources", "rerank"):
        return {"budget_ms": 1e6, "budgets_ms": {part: BUDGET_MS}}
    kind, _, number = kind.partition(".")
    at = [i for i, one in enumerate(STAGES[part]) if one["kind"] == kind][int(number or 1) - 1]
    stages = [dict(one) for one in STAGES[part]]
    stages[at]["budget_ms"] = BUDGET_MS
    return {"budget_ms": 1e6, part: stages}


def slowed(world: World, stage: str) -> Pipeline:
    raw = own_budget(stage)
    for part in ("sources", "rerank"):
        raw.setdefault(part, STAGES[part])
    pipeline = whole(world)
    return Pipeline(surface(**raw), pipeline.parts, clock=world.clock)


def reasons(slate: RankedSlate) -> dict[str, str]:
    return {one.stage: one.why for one in slate.degraded}


# ---------------------------------------------------------------------- budgets by default


def test_a_stage_without_a_budget_has_the_requests() -> None:
    assert SurfaceSettings().budgets()["score"] == 50
    assert set(SurfaceSettings(budget_ms=15).budgets().values()) == {15}


@pytest.mark.parametrize("stage", NAMES)
def test_every_stage_can_have_its_own(stage: str) -> None:
    raw = own_budget(stage)
    budgets = SurfaceSettings.model_validate({**STAGES, **raw}).budgets()
    one_setting = [n for n in NAMES if n.startswith("fallback.")]
    own = one_setting if stage in one_setting else [stage]
    assert {n for n, ms in budgets.items() if ms == BUDGET_MS} == set(own)
    assert {budgets[n] for n in NAMES if n not in own} == {1e6}


def test_every_stage_that_runs_has_a_budget_and_every_budget_a_stage(world: World) -> None:
    pipeline = whole(world, budget_ms=1e6, budgets_ms={"filter": 7, "fuse": 3})
    slate = pipeline.run(question())
    assert not slate.is_degraded, slate.degraded
    assert {step.stage for step in slate.steps} == set(NAMES)
    budgets = pipeline.surface.settings.budgets()
    assert [step.budget_ms for step in slate.steps] == [budgets[s.stage] for s in slate.steps]


def test_no_stage_of_the_code_is_without_a_budget() -> None:
    """Also one that no test reaches."""
    named: set[str] = set()
    for path in Path(palate.pipeline.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                first = node.args[0] if node.args else None
                if node.func.attr == "attempt" and isinstance(first, ast.Constant):
                    named.add(str(first.value))
    assert named == {*SHARED_STAGES} - {"fallback"}  # whose lists have their names from settings


def test_every_stage_has_a_fallback_that_can_be_told() -> None:
    assert all(fallback_of(stage) for stage in NAMES)
    assert {*FALLBACKS} == {*SHARED_STAGES, "sources", "rerank", "rerank.explore"}


@pytest.mark.parametrize("remembers", [False, True])
def test_steps_in_their_order(world: World, *, remembers: bool) -> None:
    memory = world.parts(remembered=Memory(world) if remembers else None)
    slate = run(world, k=3, parts=memory, person=towards(1.0, seen={"i000"}))
    assert [(step.stage, step.items) for step in slate.steps] == [
        ("user", -1),
        ("sources.neighbours", 100),
        ("filter", 99),  # by id: what was seen is not even read
        ("hydrate", 99),
        ("filter", 99),
        ("vectors", -1),
        ("score", 99),
        ("fuse", -1),
        *([("verify", -1)] if remembers else []),
    ]


def test_places_in_the_sources_are_fused_too(world: World) -> None:
    slate = run(world, {"score": "sources"}, k=1)
    assert [step.stage for step in slate.steps][-1] == "fuse"


# ---------------------------------------------------------------------- slow stages


@pytest.mark.parametrize("stage", NAMES)
def test_a_slow_stage_is_late_and_its_work_counts(
    world: World, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    meant = whole(World()).run(question())
    disturbed(monkeypatch, stage, lambda: world.clock.pass_ms(SLOW_MS))
    slate = slowed(world, stage).run(question())
    ran = [step for step in slate.steps if step.stage == stage]
    assert [(one.stage, one.budget_ms) for one in slate.late] == [(stage, BUDGET_MS)] * len(ran)
    assert [one.ms for one in slate.late] == pytest.approx([SLOW_MS] * len(ran))
    assert not slate.is_degraded, "its work is in the answer"
    assert slate.ids == meant.ids
    assert slate.dropped == meant.dropped
    assert slate.late


@pytest.mark.parametrize("stage", NAMES)
def test_a_stage_that_is_late_again_and_again_rests_if_it_can_be_left_out(
    world: World, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    disturbed(monkeypatch, stage, lambda: world.clock.pass_ms(SLOW_MS))
    pipeline = slowed(world, stage)
    for _ in range(TRIPS):
        pipeline.run(question())
    slate = pipeline.run(question())
    if stage in NEVER_LEFT_OUT:
        assert stage in {one.stage for one in slate.late}
        assert not slate.is_degraded
    else:
        assert stage not in {step.stage for step in slate.steps}
        assert reasons(slate)[stage].startswith("rests")
        assert not slate.late


def test_what_cannot_be_left_out_runs_after_the_budget(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    disturbed(monkeypatch, "person", lambda: world.clock.pass_ms(60))
    slate = whole(world).run(replace(question(), k=2))
    assert {step.stage for step in slate.steps} == NEVER_LEFT_OUT
    assert all("gone" in why for why in reasons(slate).values())
    assert {one.stage for one in slate.late} == {"person"}
    assert len(slate) == 2
    assert name(LADAS[0]) not in slate.ids, "what they have seen is known"


# ---------------------------------------------------------------------- broken stages


@pytest.mark.parametrize("stage", NAMES)
def test_a_broken_stage_falls_back_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    meant = whole(World()).run(question())
    disturbed(monkeypatch, stage, fails)
    slate = whole(world).run(question())
    assert reasons(slate)[stage] == "failed: RuntimeError"
    assert stage not in {step.stage for step in slate.steps}
    if stage in ("hydrate", "filter", "verify"):
        assert slate.ids == []
    elif stage == "person":
        assert set(slate.ids) <= {name(i) for i in LADAS}
    else:
        assert set(slate.ids) == set(meant.ids)
    assert (slate.journey is None) == (stage == "explain")


@pytest.mark.parametrize(
    ("stage", "why"),
    [("hydrate", "unknown: the state cannot be read"), ("filter", "unknown: the filter failed")],
)
@pytest.mark.parametrize("remembers", [False, True])
def test_what_nothing_vouches_for_is_dropped_once_each(
    world: World, monkeypatch: pytest.MonkeyPatch, stage: str, why: str, *, remembers: bool
) -> None:
    disturbed(monkeypatch, stage, fails)
    parts = world.parts(remembered=Memory(world) if remembers else None)
    slate = run(world, {"fallback": []}, parts=parts, person=towards(1.0, seen={"i000"}))
    assert slate.ids == []
    assert sum(slate.dropped.values()) == world.n
    assert slate.dropped[why] >= world.n - 1
    assert reasons(slate) == {stage: "failed: RuntimeError"}


@pytest.mark.parametrize("part", ["rows", "values", "holding"])
def test_a_memory_that_fails_is_read_past(world: World, part: str) -> None:
    person = towards(1.0, blocked={"dealer": {"d1"}}, seen={"i000"})
    wanted = parse_filter({"price": {"max": 9000}}, SCHEMA)
    meant = run(world, k=4, person=person, filter=wanted)
    memory = Memory(world)
    setattr(memory, part, lambda *_: fails())
    slate = run(world, k=4, person=person, filter=wanted, parts=world.parts(remembered=memory))
    assert slate.ids == meant.ids
    assert slate.dropped == meant.dropped
    assert reasons(slate) == {"filter": "failed: RuntimeError"}


def test_a_store_that_forgets_to_answer_for_an_item_is_not_believed(world: World) -> None:
    whole_answer = world.items.item_states
    world.items.item_states = lambda ids: whole_answer(ids)[1:]  # type: ignore[method-assign]
    slate = run(world)
    assert slate.ids == []
    assert reasons(slate)["hydrate"] == "failed: DataError"


def test_a_broken_fusion_leaves_the_order_of_the_sources(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = {"sources": [{"kind": "popular"}]}
    assert run(world, raw, k=2).ids == ["i000", "i001"]
    disturbed(monkeypatch, "fuse", fails)
    monkeypatch.setattr("palate.pipeline.run.fuse", lambda *_: fails())
    slate = run(world, raw, k=2)
    assert slate.ids == ["i099", "i098"]
    assert slate.outcomes is None
    assert reasons(slate) == {"fuse": "failed: RuntimeError"}


# ---------------------------------------------------------------------- who asks


def test_who_asks_is_read_within_the_stage(world: World) -> None:
    reads = 0

    def read() -> Person:
        nonlocal reads
        reads += 1
        world.clock.pass_ms(SLOW_MS)
        return towards(-1.0)

    pipeline = Pipeline(surface(budgets_ms={"person": 5}), world.parts(), clock=world.clock)
    asked = replace(request(k=1), person=None, read_person=read)
    slate = pipeline.run(asked)
    assert (slate.ids, reads) == (["i099"], 1)
    assert [one.stage for one in slate.late] == ["person"]
    asked = replace(asked, read_person=fails)
    assert reasons(pipeline.run(asked)) == {"person": "failed: RuntimeError"}

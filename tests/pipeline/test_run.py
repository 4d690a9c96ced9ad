"""Pipelines: what a slate is made of, what may not be in it, and that there always is one."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.pipeline.fakes import NOW_US, SCHEMA, Memory, World, name, request, run, surface, towards

from palate.errors import DataError
from palate.features.item_state import ItemState
from palate.pipeline.filter import parse_filter
from palate.pipeline.person import NOBODY, Person
from palate.pipeline.run import Pipeline

# ---------------------------------------------------------------------- the main path


def test_the_nearest_come_first(world: World) -> None:
    slate = run(world, k=3)
    assert slate.ids == ["i000", "i001", "i002"]
    assert not slate.is_degraded
    assert slate.propensities.tolist() == [1, 1, 1]
    assert slate.sources == [("sources.neighbours",)] * 3
    assert slate.attributes.of(0)["make"] == "BMW"
    assert slate.outcomes is not None
    assert slate.outcome_names == ("view", "save", "hide")
    view, save, hide = slate.outcomes[0]
    assert slate.scores[0] == pytest.approx(1 * view + 3 * save - 5 * hide)


def test_worth_turns_the_order(world: World) -> None:
    liked = run(world, {"worth": {"view": 1}, "sources": [{"kind": "popular"}]}, k=100)
    hidden = run(world, {"worth": {"hide": -1, "view": 0}, "sources": [{"kind": "popular"}]}, k=100)
    assert liked.ids == hidden.ids == world.ids
    assert (hidden.scores < 0).all()
    saved = run(world, {"worth": {"view": -1, "save": 1}, "sources": [{"kind": "popular"}]}, k=100)
    assert saved.ids == world.ids[::-1]


def test_sources_are_merged_and_each_item_says_who_gave_it(world: World) -> None:
    raw = {"sources": [{"kind": "neighbours", "depth": 60}, {"kind": "popular", "depth": 60}]}
    slate = run(world, raw, k=100)
    by_id = dict(zip(slate.ids, slate.sources, strict=True))
    assert by_id["i000"] == ("sources.neighbours",)
    assert by_id["i050"] == ("sources.neighbours", "sources.popular")
    assert by_id["i099"] == ("sources.popular",)


def test_similar_to_recent(world: World) -> None:
    raw = {"sources": [{"kind": "similar_to_recent", "recent": 1}], "score": "sources"}
    slate = run(world, raw, k=3, person=Person(recent=("i010", "i050")))
    assert set(slate.ids) == {"i049", "i051"} | {slate.ids[2]}
    assert slate.ids[2] in {"i048", "i052"}


def test_without_a_profile_sources_decide(world: World) -> None:
    slate = run(world, {"sources": [{"kind": "popular"}]}, k=2, person=NOBODY)
    assert slate.ids == ["i099", "i098"]
    assert slate.outcomes is None
    assert not slate.is_degraded


def test_a_stranger_gets_the_fallback_where_only_neighbours_are_asked(world: World) -> None:
    slate = run(world, k=2, person=NOBODY)
    assert slate.ids == ["i099", "i098"]
    assert slate.sources[0] == ("fallback.popular", "fallback.new")
    assert not slate.is_degraded


def test_people_are_read_where_the_request_does_not_bring_them(world: World) -> None:
    class People:
        def person(self, user_id: str | None, anonymous_id: str | None, now_us: int) -> Person:
            assert (user_id, anonymous_id, now_us) == ("u1", None, NOW_US)
            return towards(-1.0)

    pipeline = Pipeline(surface(), world.parts(people=People()), clock=world.clock)
    asked = request(person=None, user_id="u1", k=1)
    assert pipeline.run(replace(asked, person=None)).ids == ["i099"]


def test_given_candidates_are_ranked_and_no_source_is_asked(world: World) -> None:
    given = ["i090", "i005", "i040", "i005"]
    slate = run(world, k=10, candidates=given, person=towards(1.0, seen={"i005"}))
    assert slate.ids == ["i005", "i040", "i090"]
    assert slate.sources[0] == ("given",)
    assert slate.cursor is None
    assert world.index.depths == []
    assert run(world, candidates=[]).ids == []


# ---------------------------------------------------------------------- what is dropped


def test_candidates_beyond_those_that_are_ranked_are_counted(world: World) -> None:
    whole = run(world, k=5, person=towards(1.0))
    some = run(world, {"ranked": 7}, k=5, person=towards(1.0))
    assert "beyond ranked" not in whole.dropped
    assert some.dropped["beyond ranked"] > 0
    assert some.ids == whole.ids


def test_what_may_not_be_shown_is_dropped_and_counted(world: World) -> None:
    world.items.put("i000", deleted=True)
    world.items.put("i001", hidden=True)
    person = towards(1.0, seen={"i002"}, blocked={"item_id": {"i003"}, "dealer": {"d4"}})
    slate = run(
        world,
        {"filters": {"price": {"min": 7000}}},
        k=3,
        person=person,
        excluded={"i007"},
        filter=parse_filter({"make": "BMW"}, SCHEMA),
    )
    assert slate.ids == ["i006", "i008", "i010"]
    assert {why: slate.dropped[why] for why in ("deleted", "hidden", "seen", "excluded")} == {
        "deleted": 1, "hidden": 1, "seen": 1, "excluded": 1,
    }  # fmt: skip
    assert slate.dropped["blocked: item"] == 1
    assert slate.dropped["blocked: dealer"] >= 1
    assert slate.dropped["filter: make"] >= 1
    assert slate.dropped["filter: price"] >= 1


def test_seen_items_may_stay(world: World) -> None:
    person = towards(1.0, seen={"i000"})
    assert run(world, k=1, person=person).ids == ["i001"]
    assert run(world, k=1, person=person, exclude_seen=False).ids == ["i000"]
    assert run(world, {"exclude_seen": False}, k=1, person=person).ids == ["i000"]
    assert run(world, {"exclude_seen": False}, k=1, person=person, exclude_seen=True).ids == [
        "i001"
    ]


def test_ten_thousand_blocked_items() -> None:
    world = World(12_000)
    blocked = set(world.ids[:10_000])
    slate = run(world, k=20, person=towards(1.0, blocked={"item_id": blocked}))
    assert len(slate) == 20
    assert blocked.isdisjoint(slate.ids)
    raw = {"sources": [{"kind": "neighbours", "depth": 300}], "fallback": []}
    deep = run(world, raw, k=20, person=towards(1.0, blocked={"item_id": blocked}))
    assert deep.ids == [name(i) for i in range(10_000, 10_020)]


def test_a_filter_that_few_pass_is_named_to_the_index() -> None:
    world = World(5_000)
    for i in range(4_000, 4_005):
        world.items.put(name(i), make="Lada")
    slate = run(
        world,
        {"sources": [{"kind": "neighbours", "depth": 10}]},
        k=5,
        filter=parse_filter({"make": "Lada"}, SCHEMA),
    )
    assert slate.ids == [name(i) for i in range(4_000, 4_005)]
    assert len(world.index.depths) == 2


def test_an_item_that_the_store_has_never_heard_of_was_never_withdrawn(world: World) -> None:
    del world.items.states["i000"]
    assert run(world, k=1).ids == ["i000"]
    assert run(world, k=1, filter=parse_filter({"make": "BMW"}, SCHEMA)).ids == ["i002"]


# ---------------------------------------------------------------------- memory and the store


def test_the_store_has_the_last_word_over_memory(world: World) -> None:
    memory = Memory(world)
    world.items.put("i000", deleted=True)
    world.items.put("i001", price=5)
    slate = run(
        world, {"filters": {"price": {"min": 1000}}}, k=2, parts=world.parts(remembered=memory)
    )
    assert slate.ids == ["i002", "i003"]
    assert slate.dropped["deleted"] == 1
    assert slate.dropped["filter: price"] == 1
    assert len(world.items.read) < 20  # the finalists alone


def test_freshness_by_the_last_change_is_remembered(world: World) -> None:
    world.items.put("i050")  # changed just now
    raw = {"rerank": [{"kind": "freshness", "weight": 10, "half_life_days": 0.1}]}
    slate = run(world, raw, k=1, parts=world.parts(remembered=Memory(world)))
    assert slate.ids == ["i050"]
    assert len(world.items.read) < 20  # the finalists alone


def test_memory_is_asked_of_the_few_items_that_somebody_looks_at() -> None:
    world = World(1000)
    memory = Memory(world)
    raw = {
        "sources": [{"kind": "neighbours", "depth": 900}],
        "rerank": [{"kind": "spread", "attribute": "dealer", "most": 3}],
    }
    slate = run(world, raw, k=10, parts=world.parts(remembered=memory))
    assert len(slate) == 10
    assert 0 < len(memory.looked_at) < 100
    memory.looked_at.clear()
    run(world, {**raw, "rerank": []}, k=10, parts=world.parts(remembered=memory))
    assert memory.looked_at == []


def test_the_store_is_asked_of_no_item_while_memory_knows_of_every_change(world: World) -> None:
    memory = world.parts(remembered=Memory(world))
    plain = run(world, k=5, parts=memory)
    world.items.read.clear()
    world.items.offset = 7  # as far as memory is
    assert run(world, k=5, parts=memory).ids == plain.ids
    assert world.items.read == []
    world.items.put("i000", deleted=True)
    world.items.offset = 8
    assert run(world, k=5, parts=memory).ids == [*plain.ids[1:], "i005"]


def test_what_memory_does_not_hold_is_asked_for_alone(world: World) -> None:
    never, sold = world.items.states.pop("i000"), world.items.states.pop("i001")
    memory = Memory(world)
    world.items.offset = 7
    assert not never.deleted
    world.items.states["i001"] = ItemState(9, sold.timestamp, deleted=True)
    slate = run(world, k=3, parts=world.parts(remembered=memory))
    assert slate.ids == ["i000", "i002", "i003"]
    assert sorted(world.items.read) == ["i000", "i001"]


def test_where_attributes_decide_the_store_is_asked_whatever_memory_knows(world: World) -> None:
    memory = Memory(world)
    world.items.offset = 7
    person = towards(1.0, blocked={"dealer": {"d0"}})
    run(world, k=3, person=person, parts=world.parts(remembered=memory))
    assert world.items.read


@pytest.mark.parametrize("remembers", [False, True])
def test_blocked_values_and_filters_are_the_same_from_memory(world: World, remembers: bool) -> None:
    parts = world.parts(remembered=Memory(world) if remembers else None)
    person = towards(1.0, blocked={"dealer": {"d2", "d3"}})
    cheap = parse_filter({"price": {"max": 9000}}, SCHEMA)
    slate = run(world, k=4, person=person, filter=cheap, parts=parts)
    assert slate.ids == ["i000", "i001", "i004", "i005"]
    assert slate.dropped["blocked: dealer"] == 2
    assert slate.dropped["filter: price"] == 91


def test_memory_that_is_all_wrong_is_read_past(world: World) -> None:
    memory = Memory(world)
    for i in range(60):
        world.items.put(name(i), deleted=True)
    slate = run(world, k=5, parts=world.parts(remembered=memory))
    assert slate.ids == [name(i) for i in range(60, 65)]


def test_what_the_store_cannot_tell_is_not_shown(world: World) -> None:
    def fail() -> None:
        raise OSError("down")

    world.items.before = fail
    slate = run(world)
    assert slate.ids == []
    assert ("hydrate", "failed: OSError") in [(d.stage, d.why) for d in slate.degraded]
    remembered = run(world, parts=world.parts(remembered=Memory(world)))
    assert remembered.ids == []
    assert [d.stage for d in remembered.degraded] == ["verify"]


# ---------------------------------------------------------------------- pages


def test_pages_never_repeat_though_the_taste_turns(world: World) -> None:
    pipeline = Pipeline(surface(k=30), world.parts(), clock=world.clock)
    shown: list[str] = []
    cursor: str | None = None
    for turn in range(5):
        person = towards(1.0 if turn % 2 else -1.0)
        slate = pipeline.run(request(person, cursor=cursor))
        shown += slate.ids
        cursor = slate.cursor
        if cursor is None:
            break
    assert cursor is None
    assert sorted(shown) == world.ids


def test_a_cursor_that_is_not_ours_is_refused(world: World) -> None:
    with pytest.raises(DataError, match="cursor"):
        run(world, cursor="AAAA")


# ---------------------------------------------------------------------- explanations


def test_the_journey_of_an_item(world: World) -> None:
    raw = {
        "sources": [{"kind": "neighbours", "depth": 50}, {"kind": "popular", "depth": 60}],
        "rerank": [{"kind": "spread", "attribute": "make", "most": 1, "window": 2}],
    }
    person = towards(1.0, 0.5, seen={"i003"})
    slate = run(world, raw, k=4, person=person, explain=True)
    journey = slate.journey
    assert journey is not None
    assert [item.item_id for item in journey.items] == slate.ids
    assert [item.place for item in journey.items] == [1, 2, 3, 4]
    first = journey.items[0]
    assert first.by_score == 1
    assert first.found[0].source == "sources.neighbours"
    assert first.score == pytest.approx(slate.scores[0])
    assert set(first.outcomes) == {"view", "save", "hide"}
    assert journey.dropped == {"seen": ["i003"]}
    # The profile's first place is make=BMW: without it (1, 0.5) becomes (0, 0.5).
    moved = {part.attribute: part.by for part in first.moved}
    again = run(world, raw, k=100, person=towards(0.0, 0.5))
    without = dict(zip(again.ids, again.scores, strict=True))[first.item_id]
    assert moved["make"] == pytest.approx(float(first.score or 0) - float(without), abs=1e-6)
    assert set(moved) == {"make", "price"}


@pytest.mark.parametrize("remembers", [False, True])
def test_the_place_by_score_is_of_the_score_alone(world: World, remembers: bool) -> None:
    world.items.put("i002", dealer="d1")
    memory = Memory(world) if remembers else None
    world.items.put("i000", deleted=True)
    raw = {"rerank": [{"kind": "spread", "attribute": "dealer", "most": 1}]}
    slate = run(world, raw, k=3, explain=True, parts=world.parts(remembered=memory))
    assert slate.ids == ["i001", "i003", "i004"]
    assert slate.journey is not None
    places = [item.by_score for item in slate.journey.items]
    assert [place - places[0] for place in places] == [0, 2, 3]


def test_explanations_need_no_nets(world: World) -> None:
    slate = run(world, {"sources": [{"kind": "popular"}]}, person=NOBODY, explain=True, k=1)
    assert slate.journey is not None
    assert slate.journey.items[0].moved == []
    assert slate.journey.items[0].outcomes == {}

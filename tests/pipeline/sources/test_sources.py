"""Sources: what each proposes, in which order, and when it has nothing to go by."""

from __future__ import annotations

import numpy as np
import pytest
from tests.pipeline.fakes import SCHEMA, World, asked

from palate.errors import DataError
from palate.features.profile.preference import CategoryPreference, NumberPreference, Preferences
from palate.pipeline.filter import parse_filter
from palate.pipeline.person import Person
from palate.pipeline.sources import Attributes, Neighbours, New, Popular, SimilarToRecent
from palate.pipeline.stage import Asked, Source

USER = np.array([1.0, 0.0], np.float32)
BELIEVED = Preferences(
    1,
    {"make": CategoryPreference({"Audi": 0.4, "BMW": 0.4, "Lada": 0.1}, {}, 0.1, 3.0)},
    {"price": NumberPreference(float(np.log1p(50_000)), 0.1, 0.2, 3.0)},
)


@pytest.fixture
def world() -> World:
    return World()


def ids(source: Source, question: Asked) -> list[str] | None:
    found = source.propose(question)
    return None if found is None else list(found.ids)


def test_neighbours(world: World) -> None:
    source = Neighbours(kind="neighbours", depth=2)
    found = source.propose(asked(parts=world.parts(), user=USER))
    assert found is not None
    assert found.ids == ["i000", "i001"]
    assert not found.complete
    assert found.scores is not None
    assert found.scores.tolist() == world.index.table[:2, 0].tolist()
    assert ids(source, asked(parts=world.parts())) is None
    among = asked(parts=world.parts(), user=USER, among=["i050", "i040"])
    assert ids(source, among) == ["i040", "i050"]
    with pytest.raises(DataError, match="not finite"):
        source.propose(asked(parts=world.parts(), user=USER * np.float32(np.nan)))


def test_sources_look_deeper_when_asked(world: World) -> None:
    question = asked(parts=world.parts(), user=USER, deeper=4, extra=3)
    for source in (
        Neighbours(kind="neighbours", depth=5),
        Popular(kind="popular", depth=5),
        New(kind="new", depth=5),
    ):
        found = source.propose(question)
        assert found is not None
        assert len(found.ids) == 23


def test_similar_to_recent_takes_turns_and_leaves_out_the_recent(world: World) -> None:
    person = Person(recent=("i020", "i080"))
    recent = world.index.vectors(person.recent)
    question = asked(parts=world.parts(), person=person, recent=recent)
    source = SimilarToRecent(kind="similar_to_recent", depth=4)
    found = ids(source, question)
    assert found is not None
    near = [min(abs(int(item[1:]) - 20), abs(int(item[1:]) - 80)) for item in found]
    assert near == [1, 1, 1, 1]
    assert abs(int(found[0][1:]) - 80) == 1  # the newest leads
    assert ids(source, asked(parts=world.parts(), person=person)) is None


def test_similar_to_recent_brings_scores_and_vectors_of_the_very_items(world: World) -> None:
    person = Person(recent=("i020", "i021", "i080"))
    recent = world.index.vectors(person.recent)
    question = asked(parts=world.parts(), person=person, recent=recent)
    question.reads_vectors = True
    found = SimilarToRecent(kind="similar_to_recent", depth=7).propose(question)
    assert found is not None
    assert found.vectors is not None
    assert found.scores is not None
    assert len(found.ids) == 7
    np.testing.assert_array_equal(found.vectors, world.index.vectors(found.ids))
    # Each came by one of the recent items, whose product with it is its score.
    products = found.vectors @ recent.T
    assert np.isclose(products, found.scores[:, None], rtol=1e-6).any(axis=1).all()


def test_vectors_come_only_where_somebody_reads_them(world: World) -> None:
    person = Person(recent=("i020",))
    recent = world.index.vectors(person.recent)
    question = asked(parts=world.parts(), person=person, recent=recent, user=USER)
    for source in (SimilarToRecent(kind="similar_to_recent"), Neighbours(kind="neighbours")):
        found = source.propose(question)
        assert found is not None
        assert found.vectors is None


def test_similar_to_recent_where_all_that_is_near_is_recent() -> None:
    world = World(2)
    person = Person(recent=("i000", "i001"))
    recent = world.index.vectors(person.recent)
    question = asked(parts=world.parts(), person=person, recent=recent)
    question.reads_vectors = True
    found = SimilarToRecent(kind="similar_to_recent").propose(question)
    assert found is not None
    assert list(found.ids) == []
    assert found.complete
    assert found.vectors is not None
    assert found.vectors.shape == (0, 2)
    nothing = asked(parts=World(0).parts(), person=person, recent=recent)
    found = SimilarToRecent(kind="similar_to_recent").propose(nothing)
    assert found is not None
    assert list(found.ids) == []


def test_popular_and_new_know_when_there_is_no_more(world: World) -> None:
    question = asked(parts=world.parts())
    for source in (Popular(kind="popular", depth=101), New(kind="new", depth=101)):
        found = source.propose(question)
        assert found is not None
        assert found.complete
        assert found.ids == world.ids[::-1]


def test_attributes_of_the_settings_and_of_the_request(world: World) -> None:
    wanted = parse_filter({"price": {"max": 5000}}, SCHEMA)
    source = Attributes(kind="attributes", where={"make": "BMW"})
    assert ids(source, asked(parts=world.parts(), filter=wanted)) == ["i000", "i002", "i004"]
    assert ids(Attributes(kind="attributes"), asked(parts=world.parts())) is None
    assert ids(Attributes(kind="attributes"), asked(parts=world.parts(), filter=wanted)) == [
        "i000", "i001", "i002", "i003", "i004",
    ]  # fmt: skip


def test_attributes_that_a_person_prefers(world: World) -> None:
    person = Person(preferences=lambda: BELIEVED)
    question = asked(parts=world.parts(), person=person)
    one = Attributes(kind="attributes", like=("make",), values=1, depth=1000)
    assert ids(one, question) == world.ids[1::2]  # Audi: of two as likely, the first by name
    # Mean and spread on the logarithmic scale: 50 000, up and down by a fifth or so.
    band = Attributes(kind="attributes", like=("price",), depth=1000)
    low, high = np.expm1(np.log1p(50_000) - 0.2), np.expm1(np.log1p(50_000) + 0.2)
    assert ids(band, question) == [
        i for n, i in enumerate(world.ids) if low <= 1000 * (n + 1) <= high
    ]
    assert ids(band, asked(parts=world.parts())) is None


def test_an_attribute_that_nothing_is_believed_of_asks_for_nothing(world: World) -> None:
    person = Person(preferences=lambda: Preferences(1, {}, {}))
    source = Attributes(kind="attributes", like=("make", "price"))
    assert ids(source, asked(parts=world.parts(), person=person)) is None

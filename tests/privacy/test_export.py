"""All that is held about a person is in the export, and nothing of anybody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from palate.config import Attribute, EventType, ProfileSettings, Settings
from palate.errors import DataError
from palate.events.dead_letters import DeadLetter
from palate.events.schema import ITEM_UPSERTED, USER_IDENTIFIED, USER_UPSERTED, Event
from palate.features.ingest import Ingest, open_ingest
from palate.privacy.export import PersonExport, export_person
from palate.privacy.people import people_of
from palate.types import AttributeKind


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", events={"click": EventType()})


@pytest.fixture
def ingest(settings: Settings) -> Iterator[Ingest]:
    with open_ingest(settings.home, settings) as ingest:
        yield ingest


def exported(ingest: Ingest, settings: Settings, user: str = "ann") -> PersonExport:
    return export_person(user, settings.home, settings, ingest.state)


def test_everything_and_nobody_elses(ingest: Ingest, settings: Settings) -> None:
    ingest.append(
        [
            Event(event="click", anonymous_id="v", item_id="1", timestamp=10**15),
            Event(event="click", user_id="bob", item_id="2", anonymous_id="w"),
            Event(event=USER_UPSERTED, user_id="ann", attributes={"age": 17}),
            Event(event=USER_IDENTIFIED, user_id="ann", anonymous_id="v"),
            Event(event="search", user_id="ann", context={"q": "shoes"}, surface="home"),
            Event(event="click", user_id="ann", item_id="3", value=2.5),
            Event(event="click", user_id="ann2", item_id="ann"),
        ]
    )
    ingest.refuse(
        [
            DeadLetter(b'{"event": "click", "user_id": "ann"}', "no item_id", 5, "test"),
            DeadLetter(b'{"event": "click", "user_id": "bob"}', "no item_id", 5, "test"),
        ]
    )
    found = exported(ingest, settings)
    assert found.anonymous_ids == ["v"]
    assert found.attributes == {"age": 17}
    assert [event["offset"] for event in found.events] == [1, 3, 4, 5, 6]
    assert found.events[3]["context"] == {"q": "shoes"}
    assert [(h["item_id"], h["value"]) for h in found.history] == [("1", None), ("3", 2.5)]
    assert [one["reason"] for one in found.refused] == ["no item_id"]
    text = msgspec.json.encode(found)
    assert b"bob" not in text
    assert b"ann2" not in text
    assert msgspec.json.decode(text, type=PersonExport) == found


def test_profiles_are_in_it(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path / "home",
        items={
            "colour": Attribute(kind=AttributeKind.CATEGORY),
            "price": Attribute(kind=AttributeKind.NUMBER),
        },
        profile=ProfileSettings(),
    )
    with open_ingest(settings.home, settings) as ingest:
        red = {"colour": "red", "price": 9}
        ingest.append(
            [
                Event(event=ITEM_UPSERTED, item_id="1", attributes=red),
                Event(event="click", user_id="ann", item_id="1", timestamp=10**15),
                Event(event="click", user_id="bob", item_id="1", timestamp=10**15),
            ]
        )
        found = exported(ingest, settings)
        assert ingest.state.profiles.definition is not None
        fingerprint = ingest.state.profiles.definition.fingerprint
        nobody = exported(ingest, settings, "nobody")
    kept = {"counts": {"colour": {"red": 1.0}}, "moments": {"price": [1.0, 9.0, 0.0]}}
    assert found.profiles == {fingerprint: [{"unit_us": 10**15, **kept}]}
    assert nobody.profiles == {fingerprint: []}
    assert msgspec.json.decode(msgspec.json.encode(found), type=PersonExport) == found


def test_of_somebody_unknown_it_is_empty(ingest: Ingest, settings: Settings) -> None:
    found = exported(ingest, settings, "nobody")
    assert (found.events, found.history, found.refused, found.attributes) == ([], [], [], {})


@pytest.mark.parametrize("user", ["", "a\nb", "x" * 501, "\udc80"])
def test_an_id_that_none_can_have(ingest: Ingest, settings: Settings, user: str) -> None:
    with pytest.raises(DataError, match="user_id"):
        exported(ingest, settings, user)


def test_a_home_without_a_log(tmp_path: Path) -> None:
    assert people_of("ann", tmp_path, None).users == ("ann",)
    assert list(tmp_path.iterdir()) == []

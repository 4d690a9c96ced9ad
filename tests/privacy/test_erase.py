"""Somebody is forgotten: at once in every answer, then in every byte of every file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from palate.config import (
    Attribute,
    EventType,
    LogSettings,
    PrivacySettings,
    ProfileSettings,
    Settings,
)
from palate.events.dead_letters import DeadLetter
from palate.events.identity import now_us
from palate.events.log.people import People
from palate.events.schema import (
    ITEM_UPSERTED,
    USER_FORGOTTEN,
    USER_IDENTIFIED,
    USER_UPSERTED,
    Event,
)
from palate.features.ingest import Ingest, open_base, open_ingest
from palate.privacy.erase import ErasureStatus, digests_of, forgetting_events, report
from palate.privacy.eraser import Eraser
from palate.privacy.people import people_of
from palate.testing.process import OtherProcess
from palate.types import AttributeKind, Verdict

ANN, VISITOR, BOB = "ann-of-green-gables", "visitor-7f3a", "bob-the-builder"
NAMES = (ANN.encode(), VISITOR.encode())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path / "home",
        events={"click": EventType()},
        items={"colour": Attribute(kind=AttributeKind.CATEGORY)},
        profile=ProfileSettings(),
    )


@pytest.fixture
def ingest(settings: Settings) -> Iterator[Ingest]:
    with open_ingest(settings.home, settings) as ingest:
        yield ingest


def click(who: str | None = None, item: str = "i1", **more: str) -> Event:
    return Event(event="click", user_id=who, item_id=item, **more)  # type: ignore[arg-type]


def lived(ingest: Ingest) -> None:
    """Ann and her visitor do things, bob too, also on her device; some of it is refused."""
    red = {"colour": "red"}
    ingest.append([Event(event=ITEM_UPSERTED, item_id=f"i{n}", attributes=red) for n in range(5)])
    ingest.append([click(anonymous_id=VISITOR, item=f"i{n}") for n in range(3)])
    ingest.append([click(ANN, context={"note": ANN}), click(BOB)])  # type: ignore[arg-type]
    ingest.append([Event(event=USER_UPSERTED, user_id=ANN, attributes={"name": ANN})])
    ingest.append([Event(event=USER_IDENTIFIED, user_id=ANN, anonymous_id=VISITOR)])
    ingest.append([click(anonymous_id=VISITOR), click(BOB, anonymous_id=VISITOR, item="i2")])
    ingest.append([click(f"other{n}") for n in range(300)])
    ingest.refuse(
        [
            letter(f'{{"event": "click", "user_id": "{ANN}", "timestamp": 7}}'),
            letter(f'{{"event": "click", "userid": "{VISITOR}"}}'),
            letter(f'broken {{"user_id": "{ANN}"'),
            letter(f'{{"event": "click", "user_id": "{BOB}", "timestamp": 7}}'),
        ]
    )


def letter(raw: str) -> DeadLetter:
    return DeadLetter(raw.encode(), "refused", now_us(), "test")


def forget(ingest: Ingest, settings: Settings, user: str = ANN) -> People:
    people = people_of(user, settings.home, ingest.state)
    ingest.append(forgetting_events(people, "test"))
    return people


def status_of(ingest: Ingest, people: People) -> ErasureStatus:
    assert ingest.forgotten is not None
    return report(ingest.forgotten, digests_of(ingest.forgotten, people), 30).status


def traces(home: Path, names: tuple[bytes, ...] = NAMES) -> list[str]:
    """Files below `home` that hold one of the names."""
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) > 5
    return [
        str(path.relative_to(home))
        for path in files
        if any(name in path.read_bytes() for name in names)
    ]


def test_at_once_nothing_is_known_any_more(ingest: Ingest, settings: Settings) -> None:
    lived(ingest)
    people = forget(ingest, settings)
    assert people == People((ANN,), (VISITOR,))
    assert ingest.state.user(ANN) is None
    assert ingest.state.anonymous(VISITOR) is None
    assert ingest.state.linked(VISITOR) is None
    assert status_of(ingest, people) is ErasureStatus.HIDDEN
    bob = ingest.state.user(BOB)
    assert bob is not None
    assert bob.item_ids == ["i1", "i2"]


def test_t22_records_go_first_and_the_last_byte_when_it_is_due(
    ingest: Ingest, settings: Settings
) -> None:
    lived(ingest)
    assert {"events/log.sqlite-wal", "state/data.mdb"} <= set(traces(settings.home))
    people = forget(ingest, settings)
    eraser = Eraser(ingest, settings.home, settings)
    eraser.finish(now_us())
    assert status_of(ingest, people) is ErasureStatus.ERASED
    records = ingest.log.read(limit=10_000)
    named = [r for r in records if {r.event.user_id, r.event.anonymous_id} & {ANN, VISITOR}]
    assert named == []
    of_bob = [r.event.item_id for r in records if r.event.user_id == BOB]
    assert of_bob == ["i1", "i2"], "what bob did on her device is his"
    two_days = 2 * 86_400_000_000
    eraser.finish(now_us() + two_days)
    assert status_of(ingest, people) is ErasureStatus.CLEANED
    assert traces(settings.home) == []
    assert ingest.state.user("other7") is not None, "everybody else is still there"
    assert ingest.log.head() == records[-1].offset


@pytest.mark.parametrize("days", [30.0, 1.0, 0.01])
def test_files_are_cleaned_well_within_the_time(settings: Settings, days: float) -> None:
    privacy = PrivacySettings(erase_within_days=days)
    hasty = settings.model_copy(update={"privacy": privacy})
    with open_ingest(hasty.home, hasty) as ingest:
        assert ingest.forgotten is not None
        ingest.append([click(ANN)])
        asked = now_us()
        forget(ingest, hasty)
        Eraser(ingest, hasty.home, hasty).finish(now_us())
        (erasure,) = ingest.forgotten.unfinished()
    assert 0 < erasure.due_us - asked <= days / 2 * 86_400e6 + 5e6


def test_t21_late_events_are_refused_and_leave_nothing(ingest: Ingest, settings: Settings) -> None:
    lived(ingest)
    forget(ingest, settings)
    done = ingest.append([click(ANN), click("new"), click(anonymous_id=VISITOR), click(VISITOR)])
    assert [d.verdict for d in done] == [
        Verdict.INVALID, Verdict.ACCEPTED, Verdict.INVALID, Verdict.ACCEPTED,
    ]  # fmt: skip
    assert ingest.state.user(ANN) is None
    late = [
        letter(f'{{"event": "click", "user_id": "{ANN}"}}'),
        letter(f'{{"event": "click", "wrong": [{{"a": "{ANN}"}}]}}'),
        letter(f'{{"event": "click", "user_id": "x", "item_id": "{ANN}"}}'),
    ]
    ingest.refuse(late)
    assert ingest._dead_letters is not None
    assert [one.raw for one in ingest._dead_letters.read()][-1] == late[-1].raw
    assert ingest._dead_letters.totals().kept == 5, "an item that is called so is no person"


def test_t21_who_was_forgotten_is_known_after_a_restart(settings: Settings) -> None:
    with open_ingest(settings.home, settings) as ingest:
        ingest.append([click(ANN)])
        forget(ingest, settings)
    with open_ingest(settings.home, settings) as ingest:
        assert ingest.append([click(ANN)])[0].verdict is Verdict.INVALID
        Eraser(ingest, settings.home, settings).finish(now_us())
        assert status_of(ingest, People((ANN,))) is ErasureStatus.ERASED


def test_an_erasure_that_was_cut_short_begins_again(settings: Settings) -> None:
    with open_ingest(settings.home, settings) as ingest:
        lived(ingest)
        people = forget(ingest, settings)
        eraser = Eraser(ingest, settings.home, settings)
        assert eraser.step(now_us())
        assert eraser.step(now_us())
    with open_ingest(settings.home, settings) as ingest:
        assert status_of(ingest, people) is ErasureStatus.HIDDEN
        assert ingest.forgotten is not None
        ingest.forgotten.hasten(digests_of(ingest.forgotten, people), now_us())
        Eraser(ingest, settings.home, settings).finish(now_us())
        assert traces(settings.home) == []


def test_killed_between_the_registry_and_the_log(ingest: Ingest, settings: Settings) -> None:
    """The hash was written, the event perhaps: it is found where it is, and nothing hangs."""
    lived(ingest)
    assert ingest.forgotten is not None
    at = now_us()
    events = forgetting_events(People((ANN,)), "test")
    ingest.forgotten.take_in(events, at)
    ingest.log.append(events)
    ingest.state.catch_up(ingest.log)
    ingest.forgotten.take_in(forgetting_events(People(("nobody",)), "test"), at)
    Eraser(ingest, settings.home, settings).finish(at)
    assert status_of(ingest, People((ANN, "nobody"))) is ErasureStatus.ERASED
    assert not [r for r in ingest.log.read(limit=10_000) if r.event.user_id == ANN]


def test_a_visitor_who_is_identified_in_between_is_forgotten_too(
    ingest: Ingest, settings: Settings
) -> None:
    lived(ingest)
    ingest.append(forgetting_events(People((ANN,)), "test"))  # by someone who forgot the visitor
    assert ingest.state.linked(VISITOR) == ANN
    ingest.append([click(anonymous_id=VISITOR)])
    eraser = Eraser(ingest, settings.home, settings)
    eraser.finish(now_us())
    eraser.finish(now_us() + 2 * 86_400_000_000)
    assert ingest.state.user(ANN) is None
    assert traces(settings.home) == []


def test_a_shared_device_belongs_to_whom_it_was_linked_last(
    ingest: Ingest, settings: Settings
) -> None:
    lived(ingest)
    ingest.append([Event(event=USER_IDENTIFIED, user_id=BOB, anonymous_id=VISITOR)])
    assert people_of(ANN, settings.home, ingest.state) == People((ANN,))
    people = forget(ingest, settings)
    Eraser(ingest, settings.home, settings).finish(now_us() + 2 * 86_400_000_000)
    assert status_of(ingest, people) is ErasureStatus.CLEANED
    assert traces(settings.home, (ANN.encode(),)) == []
    assert ingest.state.linked(VISITOR) == BOB


def test_the_base_of_a_trimmed_log_is_cleaned_too(settings: Settings) -> None:
    trimming = settings.model_copy(update={"log": LogSettings(retention_days=1e-9)})
    with open_ingest(trimming.home, trimming) as ingest:
        lived(ingest)
        while ingest.keep_up(now_us() + 1_000_000):
            pass
        assert ingest.log.start() > 300
        assert "base/data.mdb" in traces(trimming.home)
        forget(ingest, trimming)
        eraser = Eraser(ingest, trimming.home, trimming)
        eraser.finish(now_us())
        eraser.finish(now_us() + 2 * 86_400_000_000)
        assert traces(trimming.home) == []
    with closing(open_base(trimming.home, trimming)) as base:
        assert base.user("other7") is not None


def test_t21_a_rebuild_knows_nothing_of_them(ingest: Ingest, settings: Settings) -> None:
    lived(ingest)
    forget(ingest, settings)
    ingest.state.rebuild(ingest.log)  # before a single record is gone
    assert ingest.state.user(ANN) is None
    assert ingest.state.user(BOB) is not None


def test_the_same_person_twice_and_an_unknown_one(ingest: Ingest, settings: Settings) -> None:
    lived(ingest)
    for _ in range(2):
        for user in (ANN, "never-seen"):
            people = forget(ingest, settings, user)
            Eraser(ingest, settings.home, settings).finish(now_us() + 2 * 86_400_000_000)
            assert status_of(ingest, people) is ErasureStatus.CLEANED
    stubs = [r.event for r in ingest.log.read(limit=10_000) if r.event.event == USER_FORGOTTEN]
    assert len(stubs) == 5
    assert {(e.user_id, e.anonymous_id, e.context) for e in stubs} == {(None, None, None)}


def test_the_newest_offset_is_never_used_twice(settings: Settings) -> None:
    with open_ingest(settings.home, settings) as ingest:
        ingest.append([click(ANN)])
        forget(ingest, settings)
        Eraser(ingest, settings.home, settings).finish(now_us())
        head = ingest.log.head()
    with open_ingest(settings.home, settings) as ingest:
        assert ingest.append([click("new")])[0].offset == head + 1


def test_a_reader_in_another_process_goes_over_by_itself(
    ingest: Ingest, settings: Settings
) -> None:
    """A worker's state is open all the time; nobody tells it that files were written anew."""
    lived(ingest)
    source = f"""
from pathlib import Path
from palate.config import Settings
from palate.features.ingest import open_state
state = open_state(Path({str(settings.home)!r}), Settings(), read_only=True)
while True:
    user = state.user(input())
    print(None if user is None else len(user.item_ids), flush=True)
"""
    with OtherProcess(source) as reader:

        def events_of(who: str) -> str:
            reader.say(who)
            return reader.line()

        assert (events_of(BOB), events_of(ANN)) == ("2", "5")
        forget(ingest, settings)
        assert events_of(ANN) == "None"
        eraser = Eraser(ingest, settings.home, settings)
        eraser.finish(now_us())
        eraser.finish(now_us() + 2 * 86_400_000_000)
        assert traces(settings.home) == []
        ingest.append([click(BOB)])
        assert events_of(BOB) == "3", "what came after the files were written anew"

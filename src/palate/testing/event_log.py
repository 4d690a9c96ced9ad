"""What every `EventLog` adapter passes: inherit, and say how to open one."""

# ruff: noqa: D102 (the names of the tests say it)

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from palate.errors import EventError, LogError
from palate.events.log.base import Appended, EventLog, batches
from palate.events.schema import (
    ITEM_DELETED,
    ITEM_UPSERTED,
    SERVED,
    USER_IDENTIFIED,
    USER_UPSERTED,
    Event,
)
from palate.testing.process import OtherProcess
from palate.types import Verdict

__all__ = ["EventLogConformance", "click"]

ACCEPTED, DUPLICATE = Verdict.ACCEPTED, Verdict.DUPLICATE


def click(number: int, user: str = "ann") -> Event:
    """An event whose every field follows from `number`."""
    return Event(
        event="click",
        event_id=f"event-{number}",
        user_id=user,
        item_id=f"item-{number % 7}",
        timestamp=1_700_000_000_000_000 + number,
    )


class EventLogConformance:
    """The law of `EventLog`, test by test. A subclass writes `open` and `open_source`."""

    def open(self, place: Path, *, dedup_window_s: int = 3600, read_only: bool = False) -> EventLog:
        """Open the log at `place`, which is a folder of this test's own."""
        raise NotImplementedError

    def open_source(self, place: Path, *, read_only: bool = False) -> str:
        """Python code that binds `log` to the log at `place`, in a process of its own."""
        raise NotImplementedError

    @pytest.fixture
    def log(self, tmp_path: Path) -> Iterator[EventLog]:
        log = self.open(tmp_path)
        yield log
        log.close()

    # ------------------------------------------------------------------ append and read

    def test_satisfies_the_port(self, log: EventLog) -> None:
        assert isinstance(log, EventLog)

    def test_an_empty_log(self, log: EventLog) -> None:
        assert log.head() == 0
        assert log.read() == []
        assert log.append([]) == []
        assert list(batches(log)) == []

    def test_reads_back_what_was_appended_in_order(self, log: EventLog) -> None:
        appended = log.append([click(1), click(2)]) + log.append([click(3)])
        records = log.read()
        assert [a.verdict for a in appended] == [ACCEPTED] * 3
        assert [r.offset for r in records] == [a.offset for a in appended]
        assert [r.event.event_id for r in records] == ["event-1", "event-2", "event-3"]
        assert log.head() == appended[-1].offset

    def test_every_field_comes_back(self, log: EventLog) -> None:
        event = Event(
            event=ITEM_UPSERTED,
            event_id="e",
            user_id="ünï",
            anonymous_id="a",
            item_id="i",
            timestamp=5,
            value=-2.5,
            request_id="r",
            position=0,
            surface="home",
            attributes={"genres": ["a", "b"], "year": 1999, "hidden": False, "x": None},
            context={"nested": {"deep": [1.5]}},
        )
        bare = Event(event="visit", event_id="f", anonymous_id="a", timestamp=6)
        log.append([event, bare])
        for wanted, record in zip((event, bare), log.read(), strict=True):
            read = record.event
            assert read.received_at > 1_700_000_000_000_000
            for name in Event.__struct_fields__:
                if name != "received_at":
                    assert getattr(read, name) == getattr(wanted, name), name

    def test_reads_after_an_offset_and_up_to_a_limit(self, log: EventLog) -> None:
        offsets = [a.offset for a in log.append([click(i) for i in range(5)])]
        assert [r.offset for r in log.read(offsets[1], limit=2)] == offsets[2:4]
        assert log.read(offsets[-1]) == []
        assert log.read(limit=0) == []

    def test_reads_some_types(self, log: EventLog) -> None:
        upserted = Event(event=ITEM_UPSERTED, event_id="u", item_id="i", timestamp=1)
        deleted = Event(event=ITEM_DELETED, event_id="d", item_id="i", timestamp=1)
        log.append([click(1), upserted, click(2), deleted])

        def ids(*types: str) -> list[str]:
            return [r.event.event_id for r in log.read(events=types)]

        assert ids(ITEM_UPSERTED, ITEM_DELETED) == ["u", "d"]
        assert ids("click", ITEM_DELETED) == ["event-1", "event-2", "d"]
        assert ids("view") == []
        assert ids() == []

    def test_batches_give_all_of_it_once(self, log: EventLog) -> None:
        log.append([click(i) for i in range(10)])
        parts = list(batches(log, size=4))
        assert [len(part) for part in parts] == [4, 4, 2]
        assert [r.event.event_id for part in parts for r in part] == [
            f"event-{i}" for i in range(10)
        ]

    # ------------------------------------------------------------------ duplicates, refusals

    def test_a_repeated_event_id_is_a_duplicate_of_the_first(self, log: EventLog) -> None:
        first = log.append([click(1), click(2)])
        again = log.append([click(2), click(3), click(1)])
        assert [a.verdict for a in again] == [DUPLICATE, ACCEPTED, DUPLICATE]
        assert again[0].offset == first[1].offset
        assert again[2].offset == first[0].offset
        assert len(log.read()) == 3

    def test_a_duplicate_within_one_batch(self, log: EventLog) -> None:
        first, second = log.append([click(1), click(1)])
        assert (first.verdict, second) == (ACCEPTED, Appended(DUPLICATE, first.offset))
        assert len(log.read()) == 1

    def test_duplicates_are_known_after_reopening(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        log.append([click(1)])
        log.close()
        log = self.open(tmp_path)
        assert log.append([click(1)])[0].verdict is DUPLICATE
        log.close()

    def test_without_a_window_nothing_is_a_duplicate(self, tmp_path: Path) -> None:
        log = self.open(tmp_path, dedup_window_s=0)
        assert [a.verdict for a in log.append([click(1), click(1)])] == [ACCEPTED] * 2
        assert len(log.read()) == 2
        log.close()

    @pytest.mark.parametrize(
        "bad",
        [
            Event(event="click", user_id="u", timestamp=1),  # no event_id
            Event(event="click", event_id="x", user_id="u", timestamp=1, value=float("nan")),
            Event(event="click", event_id="x", user_id="u" * 501, timestamp=1),
            Event(event="click", event_id="x", user_id="", timestamp=1),
            Event(event=ITEM_UPSERTED, event_id="x", timestamp=1),  # no item_id
            Event(event="click", event_id="x", user_id="u", timestamp=1, context={"n": 2**70}),
        ],
    )
    def test_an_impossible_event_sinks_its_batch_and_nothing_else(
        self, log: EventLog, bad: Event
    ) -> None:
        log.append([click(1)])
        with pytest.raises(EventError):
            log.append([click(2), bad])
        assert [r.event.event_id for r in log.read()] == ["event-1"]
        assert log.append([click(2)])[0].verdict is ACCEPTED

    # ------------------------------------------------------------------ groups, retention

    def test_a_group_starts_at_nothing_and_never_goes_back(self, log: EventLog) -> None:
        assert log.committed("sink") == 0
        log.append([click(i) for i in range(9)])
        log.commit("sink", 7)
        log.commit("sink", 3)
        assert log.committed("sink") == 7
        assert log.committed("other") == 0

    def test_one_active_consumer_per_group(self, log: EventLog) -> None:
        assert log.lease("sink", "a", ttl_s=3600)
        assert log.lease("sink", "a", ttl_s=3600)  # renewed
        assert not log.lease("sink", "b", ttl_s=3600)
        assert log.lease("other", "b", ttl_s=3600)
        log.release("sink", "b")  # not b's to give
        assert not log.lease("sink", "b", ttl_s=3600)
        log.release("sink", "a")
        assert log.lease("sink", "b", ttl_s=3600)

    def test_a_lease_runs_out(self, log: EventLog) -> None:
        assert log.lease("sink", "a", ttl_s=0)
        assert log.lease("sink", "b", ttl_s=3600)
        assert not log.lease("sink", "a", ttl_s=3600)

    def test_a_lease_keeps_the_committed_offset(self, log: EventLog) -> None:
        log.append([click(i) for i in range(5)])
        log.commit("sink", 4)
        log.lease("sink", "a", ttl_s=3600)
        log.release("sink", "a")
        assert log.committed("sink") == 4

    def test_trim_never_passes_the_slowest_group(self, log: EventLog) -> None:
        offsets = [a.offset for a in log.append([click(i) for i in range(6)])]
        log.commit("fast", offsets[5])
        log.commit("slow", offsets[1])
        assert log.trim(offsets[4]) == 2
        assert log.read()[0].offset == offsets[2]
        log.commit("slow", offsets[5])
        assert log.trim(offsets[4]) == 2
        assert log.read()[0].offset == offsets[4]

    def test_trim_leaves_what_items_and_users_are(self, log: EventLog) -> None:
        what = [
            Event(event=ITEM_UPSERTED, event_id="a", item_id="i", timestamp=1),
            Event(event=USER_IDENTIFIED, event_id="b", user_id="u", anonymous_id="v", timestamp=1),
            Event(event=USER_UPSERTED, event_id="c", user_id="u", timestamp=1),
        ]
        served = Event(event=SERVED, event_id="d", user_id="u", timestamp=1)
        head = log.append([click(1), *what, served, click(2)])[-1].offset
        assert log.start() == 1
        assert log.trim(head) == 2
        assert [r.event.event_id for r in log.read()] == ["a", "b", "c", "event-2"]
        assert log.start() == head
        assert log.trim(head) == 0

    def test_a_trimmed_log_goes_on_where_it_was(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        head = log.append([click(1), click(2)])[-1].offset
        assert log.trim(head + 1000) == 2
        assert log.read() == []
        log.close()
        log = self.open(tmp_path)
        assert log.head() == head
        assert log.append([click(1)])[0] == Appended(DUPLICATE, head - 1)
        assert log.append([click(3)])[0].offset > head
        log.close()

    # ------------------------------------------------------------------ processes

    def test_what_was_acknowledged_survives_a_kill(self, tmp_path: Path) -> None:
        source = f"""
from palate.testing.event_log import click
{self.open_source(tmp_path)}
number = 0
while True:
    log.append([click(number), click(number + 1)])
    number += 2
    print(number, flush=True)
"""
        with OtherProcess(source) as writer:
            acknowledged = max(int(writer.line()) for _ in range(3))
        log = self.open(tmp_path)
        ids = [r.event.event_id for part in batches(log) for r in part]
        assert ids == [f"event-{i}" for i in range(len(ids))]
        assert len(ids) >= acknowledged
        assert len(ids) % 2 == 0, "half a batch was kept"
        again = log.append([click(i) for i in range(acknowledged)])
        assert {a.verdict for a in again} == {DUPLICATE}
        log.close()

    def test_a_second_writer_is_refused_and_told_who_the_first_is(self, tmp_path: Path) -> None:
        source = f"{self.open_source(tmp_path)}\nprint('open', flush=True)\ninput()"
        with OtherProcess(source) as owner:
            assert owner.line() == "open"
            with pytest.raises(LogError, match=str(owner.pid)):
                self.open(tmp_path)
        self.open(tmp_path).close()  # the kill let go of it

    def test_two_processes_read_while_one_writes(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        source = f"""
{self.open_source(tmp_path, read_only=True)}
seen, after = [], 0
print('ready', flush=True)
while len(seen) < 400:
    for record in log.read(after, limit=50):
        seen.append(record.event.event_id)
        after = record.offset
print(seen == [f"event-{{i}}" for i in range(400)], flush=True)
log.commit(f"reader-{{log.head()}}", after)
print(after, flush=True)
input()
"""
        with OtherProcess(source) as one, OtherProcess(source) as two:
            assert one.line() == two.line() == "ready"
            for start in range(0, 400, 20):
                log.append([click(i) for i in range(start, start + 20)])
            assert one.line() == two.line() == "True"
            assert one.line() == two.line() == str(log.head())
            assert log.committed(f"reader-{log.head()}") == log.head()
        log.close()

    def test_a_reader_beside_the_owner_cannot_append(self, tmp_path: Path) -> None:
        log = self.open(tmp_path)
        log.append([click(1)])
        reader = self.open(tmp_path, read_only=True)
        assert len(reader.read()) == 1
        with pytest.raises(LogError):
            reader.append([click(2)])
        with pytest.raises(LogError):
            reader.trim(1)
        log.append([click(2)])
        assert reader.head() == log.head()
        reader.close()
        log.close()

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.features.full_store import FullStore

from palate.config import LogSettings, Schema, ServeSettings, Settings
from palate.errors import EventError, LogError, StoreError
from palate.events.log.base import Appended, Record, batches
from palate.events.log.sqlite import SqliteEventLog
from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED, Event
from palate.features.ingest import Ingest, open_ingest, open_log, open_state
from palate.features.state import State
from palate.store.memory_store import MemoryStore
from palate.testing.event_log import click
from palate.testing.process import OtherProcess
from palate.types import Verdict


def test_an_acknowledged_event_is_in_the_log_and_the_state(tmp_path: Path) -> None:
    with open_ingest(tmp_path, Settings()) as ingest:
        done = ingest.append([click(1), click(2, "bob"), click(1)])
        assert [d.verdict for d in done] == [
            Verdict.ACCEPTED,
            Verdict.ACCEPTED,
            Verdict.DUPLICATE,
        ]
        assert [r.offset for r in ingest.log.read()] == [d.offset for d in done[:2]]
        assert ingest.state.offset() == ingest.log.head()
        ann = ingest.state.user("ann")
        assert ann is not None
        assert ann.item_ids == ["item-1"]
        assert ingest.append([]) == []
    assert (tmp_path / "events" / "log.sqlite").exists()
    assert (tmp_path / "state").is_dir()


def test_changes_of_items_alone_read_nothing_of_people() -> None:
    store = _Asked()
    state = State(store, Schema(), 10)
    item = Event(event=ITEM_UPSERTED, item_id="i", timestamp=1)
    state.apply([Record(1, item), Record(2, click(1))], after=0)
    store.asked.clear()
    state.apply([Record(3, item)], after=2)
    assert store.asked == []
    found = state.item("i")
    assert found is not None
    assert found.updated_offset == 3


class _Asked(MemoryStore):
    """Notes which keys were read."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[bytes] = []

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        self.asked += keys
        return super().get_many(keys)


def test_a_look_at_the_state_waits_for_no_append(tmp_path: Path) -> None:
    with open_ingest(tmp_path, Settings()) as ingest:
        ingest.append([click(1)])
        appended = ingest.log.append
        looked: list[bool] = []

        def looking(events: Sequence[Event]) -> list[Appended]:
            beside = threading.Thread(target=lambda: looked.append(ingest.catch_up()))
            beside.start()
            beside.join(30)
            return appended(events)

        ingest.log.append = looking  # type: ignore[method-assign]
        ingest.append([click(2)])
        assert looked == [False]


def test_ids_and_times_are_made_where_missing(tmp_path: Path) -> None:
    with open_ingest(tmp_path, Settings()) as ingest:
        ingest.append([Event(event="click", user_id="u", item_id="i") for _ in range(2)])
        events = [r.event for r in ingest.log.read()]
        assert len({uuid.UUID(e.event_id) for e in events}) == 2
        assert all(0 < e.timestamp <= e.received_at for e in events)
        user = ingest.state.user("u")
        assert user is not None
        assert user.timestamps == [e.timestamp for e in events]


def test_readers_beside_the_owner_see_it_at_once(tmp_path: Path) -> None:
    settings = Settings()
    with open_ingest(tmp_path, settings) as ingest:
        log = open_log(tmp_path, settings, read_only=True)
        state = open_state(tmp_path, settings, read_only=True)
        ingest.append([Event(event=ITEM_UPSERTED, item_id="i", attributes={"a": 1})])
        item = state.item("i")
        assert item is not None
        assert not item.deleted
        ingest.append([Event(event=ITEM_DELETED, item_id="i")])
        item = state.item("i")
        assert item is not None
        assert item.deleted
        assert state.offset() == log.head() == 2
        state.close()
        log.close()


def test_a_second_owner_is_refused(tmp_path: Path) -> None:
    with open_ingest(tmp_path, Settings()) as ingest:
        with pytest.raises(LogError, match="already open for writing"):
            open_ingest(tmp_path, Settings())
        ingest.append([click(1)])


def test_opening_catches_up_with_the_log(tmp_path: Path) -> None:
    """As after a crash between the log's append and the state's write."""
    settings = Settings()
    with open_ingest(tmp_path, settings) as ingest:
        ingest.append([click(1)])
    with open_log(tmp_path, settings, read_only=False) as log:
        log.append([click(2), click(3)])
    with open_ingest(tmp_path, settings) as ingest:
        ann = ingest.state.user("ann")
        assert ann is not None
        assert ann.item_ids == ["item-1", "item-2", "item-3"]


def test_opening_rebuilds_under_another_history_limit(tmp_path: Path) -> None:
    with open_ingest(tmp_path, Settings()) as ingest:
        ingest.append([click(i) for i in range(5)])
    with open_ingest(tmp_path, Settings(serve=ServeSettings(history_limit=2))) as ingest:
        ann = ingest.state.user("ann")
        assert ann is not None
        assert ann.item_ids == ["item-3", "item-4"]


def test_a_lost_log_is_noticed_and_nothing_stays_locked(tmp_path: Path) -> None:
    with open_ingest(tmp_path, Settings()) as ingest:
        ingest.append([click(1)])
    for path in (tmp_path / "events").iterdir():
        path.unlink()
    for _ in range(2):
        with pytest.raises(StoreError, match="log was replaced"):
            open_ingest(tmp_path, Settings())


def test_an_impossible_event_is_refused_and_the_next_is_not(tmp_path: Path) -> None:
    with open_ingest(tmp_path, Settings()) as ingest:
        with pytest.raises(EventError):
            ingest.append([click(1), Event(event="click", user_id="u" * 501, item_id="i")])
        assert ingest.log.head() == 0
        assert ingest.append([click(1)])[0].verdict is Verdict.ACCEPTED


def test_a_state_that_failed_is_brought_up_before_the_next_append(tmp_path: Path) -> None:
    store = FullStore()
    with Ingest(SqliteEventLog(tmp_path / "log.sqlite"), State(store, Schema(), 9)) as ingest:
        ingest.append([click(1)])
        store.full = True
        with pytest.raises(StoreError, match="full"):
            ingest.append([click(2)])
        with pytest.raises(StoreError, match="full"):
            ingest.append([click(3)])  # not appended: the state could not follow
        assert ingest.log.head() == 2
        store.full = False
        assert [d.verdict for d in ingest.append([click(2), click(3)])] == [
            Verdict.DUPLICATE,
            Verdict.ACCEPTED,
        ]
        ann = ingest.state.user("ann")
        assert ann is not None
        assert ann.item_ids == ["item-1", "item-2", "item-3"]


def test_threads_may_share_one(tmp_path: Path) -> None:
    with open_ingest(tmp_path, Settings()) as ingest:

        def post(worker: int) -> None:
            for n in range(20):
                ingest.append([click(worker * 100 + n, f"user-{worker}"), click(n, "all")])

        threads = [threading.Thread(target=post, args=(worker,)) for worker in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ids = [r.event.event_id for r in ingest.log.read()]
        assert len(ids) == len(set(ids)) == 100
        for worker in range(1, 5):
            user = ingest.state.user(f"user-{worker}")
            assert user is not None
            assert len(user.item_ids) == 20
        everybody = ingest.state.user("all")
        assert everybody is not None
        assert len(everybody.item_ids) == 20


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    source = f"""
from pathlib import Path
from palate.config import Settings
from palate.features.ingest import open_ingest
from palate.testing.event_log import click
ingest = open_ingest(Path({str(tmp_path)!r}), Settings())
number = 0
while True:
    ingest.append([click(number), click(number + 1, "bob")])
    number += 2
    print(number, flush=True)
"""
    with OtherProcess(source) as writer:
        acknowledged = max(int(writer.line()) for _ in range(3))
    with open_ingest(tmp_path, Settings(serve=ServeSettings(history_limit=100_000))) as ingest:
        count = sum(map(len, batches(ingest.log)))
        assert count >= acknowledged
        ann, bob = ingest.state.user("ann"), ingest.state.user("bob")
        assert ann is not None
        assert bob is not None
        assert len(ann.item_ids) + len(bob.item_ids) == count
        assert ingest.state.offset() == ingest.log.head()


def test_crash_between_log_and_state_after_a_kill(tmp_path: Path) -> None:
    """Killed when the log has a batch that the state has not: the next opening mends it."""
    source = f"""
from pathlib import Path
from palate.config import Settings
from palate.features.ingest import open_ingest
from palate.testing.event_log import click
ingest = open_ingest(Path({str(tmp_path)!r}), Settings())
ingest.append([click(1)])
def stop(records, **_):
    print("in the log", flush=True)
    input()
ingest.state.apply = stop
ingest.append([click(2)])
"""
    with OtherProcess(source) as writer:
        assert writer.line() == "in the log"
        reader = open_state(tmp_path, Settings(), read_only=True)
        assert reader.offset() == 1
        reader.close()
    with open_ingest(tmp_path, Settings()) as ingest:
        ann = ingest.state.user("ann")
        assert ann is not None
        assert ann.item_ids == ["item-1", "item-2"]
        assert ingest.append([click(2)])[0].verdict is Verdict.DUPLICATE


def test_what_is_sent_again_after_the_window_counts_once(tmp_path: Path) -> None:
    """The log takes it, for it knows no better; the state does, also when it is opened again."""
    wanted = Settings(log=LogSettings(dedup_window_s=0))
    for _ in range(2):
        with open_ingest(tmp_path, wanted) as ingest:
            for _ in range(2):
                assert ingest.append([click(1)])[0].verdict is Verdict.ACCEPTED
            ann = ingest.state.user("ann")
            assert ann is not None
            assert ann.item_ids == ["item-1"]
    with open_ingest(tmp_path, wanted) as ingest:
        assert (ingest.log.head(), ingest.state.offset()) == (4, 4)
        ingest.state.rebuild(ingest.log)
        ann = ingest.state.user("ann")
        assert ann is not None
        assert ann.item_ids == ["item-1"]

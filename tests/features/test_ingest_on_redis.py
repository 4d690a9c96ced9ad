"""The state on a server that goes away, and comes back as it was, older than it was, or empty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.killable import KillableServer

from palate.config import EventType, LogSettings, ProfileSettings, Settings
from palate.errors import StoreError
from palate.events.log import sqlite
from palate.events.log.people import People
from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED, Event
from palate.features.backup import backup_home, restore_home
from palate.features.ingest import Ingest, open_base, open_ingest, open_state, state_in
from palate.features.state import State
from palate.privacy.erase import forgetting_events
from palate.privacy.eraser import Eraser
from palate.store.lmdb_store import LmdbStore
from palate.store.redis_server import StoreAwayError
from palate.testing.event_log import click
from palate.types import Verdict

DAY_US = 86_400_000_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[KillableServer]:
    """One that forgets everything when it is killed."""
    with KillableServer(tmp_path / "server", durable=False) as server:
        yield server


@pytest.fixture
def settings(server: KillableServer, tmp_path: Path) -> Settings:
    return server.keeps(
        Settings(
            home=tmp_path / "home",
            events={"click": EventType()},
            profile=ProfileSettings(),
            log=LogSettings(retention_days=10.0),
        )
    )


def stored(state: State) -> dict[bytes, bytes]:
    return {k: v for k, v in state.store.scan(b"") if not k.startswith(b"m:")}


def is_what_the_log_says(ingest: Ingest, settings: Settings, folder: Path) -> bool:
    with closing(state_in(LmdbStore(folder), settings)) as fresh:
        if (settings.home / "base").exists():
            with closing(open_base(settings.home, settings)) as base:
                fresh.rebuild(ingest.log, base=base)
        else:
            fresh.rebuild(ingest.log)
        found = stored(ingest.state)
        return bool(found) and stored(fresh) == found and fresh.offset() == ingest.state.offset()


def some(first: int) -> list[Event]:
    item = Event(event=ITEM_UPSERTED, item_id=f"item-{first}", attributes={"a": first})
    gone = Event(event=ITEM_DELETED, item_id=f"item-{first - 10}")
    return [item, gone, *(click(first + n, f"u{n}") for n in range(5))]


def test_nothing_is_acknowledged_while_it_is_away_and_nothing_is_lost(
    server: KillableServer, settings: Settings, tmp_path: Path
) -> None:
    with open_ingest(settings.home, settings) as ingest:
        ingest.append(some(10))
        server.kill()
        with pytest.raises(StoreAwayError):
            ingest.append(some(20))
        head = ingest.log.head()
        with pytest.raises(StoreAwayError):
            ingest.append(some(30))
        assert ingest.log.head() == head, "the state could not follow"
        with pytest.raises(StoreAwayError):
            ingest.catch_up()
        server.start()
        until_it_is_tried_again(ingest)
        assert ingest.state.offset() == head, "what is in the log is in the state, unasked"
        again = ingest.append([click(20, "u0"), click(30, "u0")])
        assert [done.verdict for done in again] == [Verdict.DUPLICATE, Verdict.ACCEPTED]
        assert is_what_the_log_says(ingest, settings, tmp_path / "fresh")


def until_it_is_tried_again(ingest: Ingest) -> None:
    """The adapter leaves a server alone for a moment after a failure."""
    for _ in range(10_000_000):
        try:
            assert ingest.catch_up()
        except StoreAwayError:
            continue
        return
    raise AssertionError("it was never tried again")


def test_a_server_that_forgot_is_told_again_by_the_next_batch(
    server: KillableServer, settings: Settings, tmp_path: Path
) -> None:
    """Its writer sees an empty state where it had written, and never builds upon it."""
    with open_ingest(settings.home, settings) as ingest:
        ingest.append(some(10))
        server.kill()
        server.start()
        assert [d.verdict for d in ingest.append(some(20))] == [Verdict.ACCEPTED] * 7
        assert is_what_the_log_says(ingest, settings, tmp_path / "fresh")


def test_a_server_that_forgot_is_told_again_without_a_batch(
    server: KillableServer, settings: Settings, tmp_path: Path
) -> None:
    with open_ingest(settings.home, settings) as ingest:
        ingest.append(some(10))
        assert not ingest.catch_up()
        server.kill()
        server.start()
        assert ingest.catch_up()
        assert not ingest.catch_up()
        assert is_what_the_log_says(ingest, settings, tmp_path / "fresh")


def test_a_server_that_came_back_older(
    server: KillableServer, settings: Settings, tmp_path: Path
) -> None:
    with open_ingest(settings.home, settings) as ingest:
        ingest.append(some(10))
        with server.client() as client:
            client.save()
        ingest.append(some(20))
        server.kill()
        server.start()
        assert ingest.append(some(30))[-1].verdict is Verdict.ACCEPTED
        assert is_what_the_log_says(ingest, settings, tmp_path / "fresh")


def test_the_base_stands_for_what_was_dropped_from_the_log(
    server: KillableServer, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "now_us", lambda: 1 * DAY_US)
    with open_ingest(settings.home, settings) as ingest:
        ingest.append(some(10))
        monkeypatch.setattr(sqlite, "now_us", lambda: 100 * DAY_US)
        while ingest.keep_up(100 * DAY_US):
            pass
        assert ingest.log.start() > 1
        ingest.append(some(20))
        server.kill()
        server.start()
        assert ingest.catch_up()
        ann = ingest.state.user("u0")
        assert ann is not None
        assert len(ann.item_ids) == 2
        assert is_what_the_log_says(ingest, settings, tmp_path / "fresh")


def test_another_homes_state_is_not_taken_for_ours(settings: Settings, tmp_path: Path) -> None:
    with open_ingest(settings.home, settings) as ingest:
        ingest.append(some(10))
    with pytest.raises(StoreError, match="namespace"):
        open_ingest(tmp_path / "another", settings)


def test_a_restored_home_has_the_restored_state(settings: Settings, tmp_path: Path) -> None:
    with open_ingest(settings.home, settings) as ingest:
        ingest.append([click(1)])
    backup_home(settings.home, tmp_path / "backup")
    with open_ingest(settings.home, settings) as ingest:
        ingest.append([click(2, "late")])
    restore_home(tmp_path / "backup", settings.home, settings, overwrite=True)
    with closing(open_state(settings.home, settings, read_only=True)) as state:
        assert (state.offset(), state.user("late")) == (1, None)


def test_who_is_erased_is_in_no_file_of_the_server(tmp_path: Path) -> None:
    name = "ann-of-green-gables"
    with KillableServer(tmp_path / "server") as server:
        settings = server.keeps(Settings(home=tmp_path / "home", profile=ProfileSettings()))
        with open_ingest(settings.home, settings) as ingest:
            ingest.append([click(n, name) for n in range(5)])
            assert server_names(server, name)
            ingest.append(forgetting_events(People((name,)), "test"))
            Eraser(ingest, settings.home, settings).finish(10**17)
            assert server_names(server, name) == []


def server_names(server: KillableServer, name: str) -> list[Path]:
    paths = [path for path in server.folder.rglob("*") if path.is_file()]
    return [path for path in paths if name.encode() in path.read_bytes()]

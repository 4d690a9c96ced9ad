"""A home's backup: made while it is written, restored as it was then."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from palate.config import LogSettings, Settings
from palate.errors import LogError, StoreError
from palate.events.dead_letters import DeadLetter
from palate.events.log import sqlite
from palate.events.schema import ITEM_UPSERTED, Event
from palate.features.backup import backup_home, restore_home
from palate.features.ingest import open_dead_letters, open_ingest, open_log, open_state
from palate.store.database import REGISTRY, Database
from palate.store.folder_store import FolderStore
from palate.testing.event_log import click

DAY_US = 86_400_000_000
SETTINGS = Settings()


def fill(home: Path) -> None:
    """A home with everything in it."""
    with open_ingest(home, SETTINGS) as ingest:
        ingest.append([click(n) for n in range(10)])
        ingest.append([Event(event=ITEM_UPSERTED, item_id="i", attributes={"a": 1})])
        ingest.log.commit("sink", 4)
        ingest.refuse([DeadLetter(b"raw", "reason", 1, "events")])
    database = Database(home / REGISTRY)
    database.migrate("test", ["CREATE TABLE t (x)"])
    with database.transaction() as connection:
        connection.execute("INSERT INTO t VALUES (7)")
    database.close()
    bundle = home / "bundle"
    bundle.mkdir()
    (bundle / "model.npz").write_bytes(b"model")
    FolderStore(home / "objects").publish("sar/1", bundle)
    (home / "privacy.key").touch(0o600)
    (home / "privacy.key").write_bytes(b"k" * 32)


def test_everything_comes_back(tmp_path: Path) -> None:
    home, new = tmp_path / "home", tmp_path / "new"
    fill(home)
    manifest = backup_home(home, tmp_path / "backup")
    assert manifest.about == {"log_start": 1, "log_head": 11, "base_offset": None}
    restore_home(tmp_path / "backup", new, SETTINGS)
    with (
        open_log(new, SETTINGS, read_only=True) as log,
        open_log(home, SETTINGS, read_only=True) as old,
        open_dead_letters(new, SETTINGS, read_only=True) as letters,
    ):
        assert log.read() == old.read()
        assert log.committed("sink") == 4
        assert [letter.raw for letter in letters.read()] == [b"raw"]
    state = open_state(new, SETTINGS, read_only=True)
    ann = state.user("ann")
    assert ann is not None
    assert len(ann.item_ids) == 10
    state.close()
    database = Database(new / REGISTRY)
    assert [row[0] for row in database.query("SELECT x FROM t")] == [7]
    database.close()
    assert (FolderStore(new / "objects").fetch("sar/1") / "model.npz").read_bytes() == b"model"
    assert (new / "privacy.key").read_bytes() == b"k" * 32
    assert (new / "privacy.key").stat().st_mode & 0o777 == 0o600


def test_while_it_is_being_written(tmp_path: Path) -> None:
    home = tmp_path / "home"
    fill(home)
    stop = threading.Event()
    acknowledged: list[int] = []
    with open_ingest(home, SETTINGS) as ingest:

        def write() -> None:
            number = 100
            while not stop.is_set():
                ingest.append([click(number + n) for n in range(20)])
                number += 20
                acknowledged.append(number)

        thread = threading.Thread(target=write)
        thread.start()
        try:
            while not acknowledged:
                stop.wait(0.001)
            before = acknowledged[-1]
            manifest = backup_home(home, tmp_path / "backup")
        finally:
            stop.set()
            thread.join()
    restore_home(tmp_path / "backup", tmp_path / "new", SETTINGS)
    with open_log(tmp_path / "new", SETTINGS, read_only=True) as log:
        ids = [record.event.event_id for record in log.read(11, limit=10**6)]
        assert ids == [f"event-{n}" for n in range(100, 100 + len(ids))]
        assert len(ids) >= before - 100
        assert len(ids) % 20 == 0, "half a batch was copied"
        assert log.head() == manifest.about["log_head"]


def test_a_home_in_use_is_not_restored(tmp_path: Path) -> None:
    home = tmp_path / "home"
    fill(home)
    backup_home(home, tmp_path / "backup")
    with open_ingest(home, SETTINGS) as ingest:
        with pytest.raises(LogError, match="nothing was restored"):
            restore_home(tmp_path / "backup", home, SETTINGS, overwrite=True)
        ingest.append([click(999)])
    with open_log(home, SETTINGS, read_only=True) as log:
        assert log.head() == 12


def test_what_is_there_is_replaced_only_when_told(tmp_path: Path) -> None:
    home = tmp_path / "home"
    fill(home)
    backup_home(home, tmp_path / "backup")
    with open_ingest(home, SETTINGS) as ingest:
        ingest.append([click(999, "late")])
    with pytest.raises(StoreError, match="already holds events"):
        restore_home(tmp_path / "backup", home, SETTINGS)
    restore_home(tmp_path / "backup", home, SETTINGS, overwrite=True)
    with open_ingest(home, SETTINGS) as ingest:
        assert ingest.log.head() == 11
        assert ingest.state.user("late") is None
        assert ingest.append([click(1)])[0].offset == 2  # duplicates are still known
        assert ingest.append([click(1000)])[0].offset == 12


def test_a_trimmed_log_comes_back_with_its_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, new = tmp_path / "home", tmp_path / "new"
    kept = Settings(log=LogSettings(retention_days=1.0))
    monkeypatch.setattr(sqlite, "now_us", lambda: DAY_US)
    with open_ingest(home, kept) as ingest:
        ingest.append([click(n) for n in range(10)])
        monkeypatch.setattr(sqlite, "now_us", lambda: 9 * DAY_US)
        ingest.append([click(10)])
        while ingest.keep_up(10 * DAY_US):
            pass
        lived = dict(ingest.state.store.scan(b""))
        manifest = backup_home(home, tmp_path / "backup")  # beside the owner
    assert manifest.about == {"log_start": 11, "log_head": 11, "base_offset": 10}
    restore_home(tmp_path / "backup", new, kept)
    with open_ingest(new, kept) as ingest:
        assert dict(ingest.state.store.scan(b"")) == lived


def test_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no event log"):
        backup_home(tmp_path, tmp_path / "backup")
    assert list(tmp_path.iterdir()) == []

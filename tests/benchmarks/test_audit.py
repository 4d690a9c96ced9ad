"""The audit finds what it is for: it must not say that all is well where something is missing."""

from __future__ import annotations

import importlib
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from palate.config import Settings
from palate.events.schema import Event
from palate.features.ingest import open_ingest, open_state

ROOT = Path(__file__).resolve().parents[2]
IDS = [f"e{n}" for n in range(10)]


@pytest.fixture
def audit(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield importlib.import_module("audit").audit
    del sys.modules["audit"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a home with ten clicks and an item."""
    settings = Settings(home=tmp_path / "home")
    with open_ingest(settings.home, settings) as ingest:
        ingest.append([Event(event="item.upserted", item_id="i", event_id="item")])
        ingest.append([Event(event="click", user_id="u", item_id="i", event_id=i) for i in IDS])
    return settings


def sink(folder: Path, ids: list[str]) -> Path:
    with closing(sqlite3.connect(folder / "sink.sqlite")) as table, table:
        table.execute('CREATE TABLE events ("offset" INTEGER PRIMARY KEY, event_id TEXT)')
        table.executemany("INSERT INTO events (event_id) VALUES (?)", [(i,) for i in ids])
    return folder / "sink.sqlite"


def change_log(settings: Settings, sql: str) -> None:
    with closing(sqlite3.connect(settings.home / "events" / "log.sqlite")) as file, file:
        assert file.execute(sql).rowcount == 1


def test_all_is_there(audit: Callable[..., Any], settings: Settings, tmp_path: Path) -> None:
    found = audit(settings, IDS, sink(tmp_path, ["item", *IDS]))
    assert (found.acknowledged, found.logged, found.faults) == (10, 11, [])


def test_what_was_acknowledged_and_is_not_there(
    audit: Callable[..., Any], settings: Settings
) -> None:
    assert audit(settings, [*IDS, "lost"]).faults == ["1 acknowledged but not in the log: lost"]


def test_a_record_that_went_from_the_log(audit: Callable[..., Any], settings: Settings) -> None:
    change_log(settings, 'DELETE FROM events WHERE "offset" = 5')
    faults = audit(settings, IDS).faults
    assert faults[0] == "1 acknowledged but not in the log: e3"
    assert faults[1].startswith("1 values of the state are not what the log says: b'u:u'")


def test_an_event_that_is_there_twice(audit: Callable[..., Any], settings: Settings) -> None:
    change_log(settings, "UPDATE events SET event_id = (SELECT event_id FROM events "
                         'WHERE "offset" = 2) WHERE "offset" = 3')  # fmt: skip
    assert "1 more than once in the log: e0" in audit(settings, ()).faults


def test_a_sink_that_missed_one_and_has_one_twice(
    audit: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    assert audit(settings, IDS, sink(tmp_path, [*IDS[1:], "e1"])).faults == [
        "1 acknowledged but not in the sink: e0",
        "1 more than once in the sink: e1",
    ]


def test_a_state_that_says_something_else(audit: Callable[..., Any], settings: Settings) -> None:
    with closing(open_state(settings.home, settings, read_only=False)) as state:
        state.store.write({b"i:i": None}, offset=state.offset())
    assert audit(settings, IDS).faults == [
        "1 values of the state are not what the log says: b'i:i'"
    ]


def test_a_state_that_is_behind(audit: Callable[..., Any], settings: Settings) -> None:
    with open_ingest(settings.home, settings) as ingest:
        ingest.log.append([Event(event="click", user_id="v", item_id="i", event_id="late")])
    assert "the state reflects 11, the log ends at 12" in audit(settings, IDS).faults

"""The doctor on what was refused, on keys, and on people who are to be erased."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from palate.cli.doctor.access import check_keys
from palate.cli.doctor.erasures import check_erasures
from palate.config import load_settings
from palate.events.dead_letters import DeadLetter
from palate.events.identity import now_us
from palate.events.schema import USER_FORGOTTEN, Event
from palate.features.ingest import open_ingest
from palate.store.database import REGISTRY, Database
from palate.store.key import KeyLimits, Scope
from palate.store.keys import Keys

Run = Callable[..., Any]


def found(palate: Run, check: str) -> list[dict[str, Any]]:
    return [one for one in palate("doctor", "--json").data if one["check"] == check]


def refuse(project: Path, reasons: list[str]) -> None:
    settings = load_settings()
    with open_ingest(project / ".palate", settings) as ingest:
        ingest.refuse([DeadLetter(b"{}", reason, now_us(), "test") for reason in reasons])


def test_refused_events_are_told_with_the_commonest_reason(palate: Run, project: Path) -> None:
    (before,) = found(palate, "letters")
    assert (before["level"], before["found"]) == ("ok", "no refused events")
    refuse(project, ["no user_id", "no item_id", "no user_id"])
    (after,) = found(palate, "letters")
    assert after["level"] == "warn"
    assert (
        "3 refused events are kept; the reason of 2 of the newest 3: no user_id" in (after["found"])
    )
    assert after["hint"].startswith("palate events dead list")


def test_refused_events_that_were_dropped_are_told(
    palate: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PALATE_LOG__DEAD_LETTERS_MAX", "2")
    refuse(project, ["no user_id"] * 5)
    kept, lost = found(palate, "letters")
    assert "2 refused events are kept" in kept["found"]
    assert "3 older refused events were dropped" in lost["found"]


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home" / REGISTRY


def make(registry: Path, name: str, *, days: float | None = None) -> str:
    expires = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with closing(Database(registry)) as database:
        _, key = Keys(database).create(
            name, [Scope.READ], limits=KeyLimits(expires_at=expires), by="test"
        )
    return key.id


def age(registry: Path, key_id: str, days: float, columns: tuple[str, ...]) -> None:
    """As if it had been made, used or let expire so many days earlier."""
    with closing(sqlite3.connect(registry)) as connection, connection:
        for column in columns:
            connection.execute(
                f"UPDATE keys SET {column} = {column} - ? WHERE id = ?",
                (round(days * 86_400e6), key_id),
            )


def levels(registry: Path) -> list[tuple[str, str]]:
    return [(one.level, one.found) for one in check_keys(registry.parent)]


def test_without_a_registry_or_keys_nothing_is_said(registry: Path) -> None:
    assert levels(registry) == []
    Database(registry).close()
    assert levels(registry) == []


def test_keys_that_stand_are_counted(registry: Path) -> None:
    make(registry, "shop")
    make(registry, "app", days=30)
    assert levels(registry) == [("ok", "2 stand, 0 have expired")]


def test_a_key_that_expired_while_in_use_is_told(registry: Path) -> None:
    make(registry, "other")
    used, rotated = make(registry, "shop", days=1), make(registry, "old shop", days=1)
    with closing(Database(registry)) as database:
        Keys(database).used([used], datetime.now(UTC) + timedelta(days=1, minutes=-1))
        Keys(database).used([rotated], datetime.now(UTC))
    for key_id in (used, rotated):
        age(registry, key_id, 2, ("expires_us", "created_us", "last_used_us"))
    (told, standing) = check_keys(registry.parent)
    assert (told.level, used in told.found, "in use until it expired" in told.found) == (
        "warn", True, True,
    )  # fmt: skip
    assert standing.found == "1 stand, 2 have expired"


def test_a_key_that_will_expire_soon_is_told(registry: Path) -> None:
    key_id = make(registry, "shop", days=3)
    ((level, said), _) = levels(registry)
    assert level == "warn"
    assert said.startswith(f"{key_id} (shop) expires on 2")


def test_a_key_that_nobody_uses_is_told(registry: Path) -> None:
    never, once, fresh = (make(registry, name) for name in ("never", "once", "fresh"))
    with closing(Database(registry)) as database:
        Keys(database).used([once], datetime.now(UTC))
    for key_id in (never, once):
        age(registry, key_id, 100, ("created_us", "last_used_us"))
    told = [one for one in check_keys(registry.parent) if one.level == "warn"]
    assert [one.hint for one in told] == [f"palate keys revoke {key}" for key in (never, once)]
    assert fresh not in str(told)


def test_when_no_key_stands_that_is_told(registry: Path) -> None:
    key_id = make(registry, "shop")
    with closing(Database(registry)) as database:
        Keys(database).revoke(key_id, by="test")
    ((level, said),) = levels(registry)
    assert level == "warn"
    assert "answers nobody" in said


def test_an_erasure_that_is_late_fails(palate: Run, project: Path) -> None:
    home, settings = project / ".palate", load_settings()
    assert list(check_erasures(home, 30)) == []
    with open_ingest(home, settings) as ingest:
        ingest.append([Event(event=USER_FORGOTTEN, event_id="f", user_id="u1")])
    assert [one["level"] for one in found(palate, "erasures")] == ["ok"]
    with closing(sqlite3.connect(home / REGISTRY)) as connection, connection:
        connection.execute("UPDATE forgotten SET requested_us = requested_us - ?", (31 * 86_400e6,))
    (late,) = check_erasures(home, 30)
    assert late.level == "fail"
    assert "1 ids wait to be erased, the first for 31.0 days" in late.found

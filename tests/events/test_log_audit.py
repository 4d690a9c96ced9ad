"""The audit is taken from the log: everything once, whatever was killed in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from palate.events.audit import LogAudit, person_ref
from palate.events.log.sqlite import SqliteEventLog
from palate.events.pseudonyms import Pseudonyms
from palate.events.schema import (
    BY,
    ITEM_DELETED,
    ITEM_UPSERTED,
    USER_FORGOTTEN,
    USER_UPSERTED,
    Event,
)
from palate.store.audit import Audit
from palate.store.database import Database

NAMES = Pseudonyms(bytes(32))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteEventLog]:
    with SqliteEventLog(tmp_path / "log.sqlite") as log:
        yield log


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "registry.sqlite")) as database:
        yield database


def told(database: Database) -> list[tuple[str, str, str]]:
    return [(e.who, e.action, e.ref) for e in reversed(Audit(database).recent(100))]


def signed(event: str, who: str | None, number: int, **more: str) -> Event:
    context = {} if who is None else {BY: who}
    return Event(event=event, event_id=f"e{number}", context=context, **more)  # type: ignore[arg-type]


def test_signed_changes_one_by_one_and_imports_together(
    log: SqliteEventLog, database: Database
) -> None:
    log.append(
        [
            signed(ITEM_UPSERTED, "key a", 1, item_id="i1"),
            signed(ITEM_UPSERTED, "key a", 2, item_id="i2"),
            signed("click", "key a", 3, user_id="ann", item_id="i2"),
            signed(ITEM_DELETED, "key b", 4, item_id="i1"),
            *(signed(ITEM_UPSERTED, None, 10 + n, item_id=f"n{n}") for n in range(5)),
            signed(USER_UPSERTED, "key a", 5, user_id="ann"),
            signed(USER_FORGOTTEN, "key c", 6, anonymous_id="v"),
            signed(ITEM_UPSERTED, None, 7, item_id="one"),
        ]
    )
    audit = LogAudit(log, database, NAMES)
    assert audit.follow() > 0
    assert told(database) == [
        ("key a", ITEM_UPSERTED, "i1"),
        ("key a", ITEM_UPSERTED, "i2"),
        ("key b", ITEM_DELETED, "i1"),
        ("command line", ITEM_UPSERTED, "5 at once"),
        ("key a", USER_UPSERTED, person_ref(NAMES.user("ann"))),
        ("key c", USER_FORGOTTEN, person_ref(NAMES.visitor("v"))),
        ("command line", ITEM_UPSERTED, "one"),
    ]
    assert "ann" not in str(told(database))


def test_nothing_twice_and_nothing_left_out(log: SqliteEventLog, database: Database) -> None:
    audit = LogAudit(log, database, NAMES)
    assert audit.follow() == 0
    for n in range(3):
        log.append([signed(ITEM_UPSERTED, "key a", n, item_id=f"i{n}")])
        log.append([Event(event="click", event_id=f"c{n}", user_id="ann", item_id="i0")])
        assert audit.follow() == 1
        assert audit.follow() == 0
        audit = LogAudit(log, database, NAMES)  # as after a restart
    assert [ref for _, _, ref in told(database)] == ["i0", "i1", "i2"]


def test_more_than_it_looks_at_at_once(log: SqliteEventLog, database: Database) -> None:
    log.append([signed(ITEM_UPSERTED, "key a", n, item_id=f"i{n}") for n in range(4_500)])
    audit = LogAudit(log, database, NAMES)
    looks = 0
    while audit.follow():
        looks += 1
    assert looks == 3
    assert len(Audit(database).recent(10_000)) == 4_500


def test_a_name_that_is_no_text_is_not_believed(log: SqliteEventLog, database: Database) -> None:
    event = Event(event=ITEM_UPSERTED, event_id="e", item_id="i", context={BY: 7})
    log.append([event])
    LogAudit(log, database, NAMES).follow()
    assert told(database) == [("command line", ITEM_UPSERTED, "i")]

"""The audit: appended to, never changed; made by whichever part of the registry comes first."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from palate.errors import StoreError
from palate.store.audit import Audit
from palate.store.database import Database


def test_the_newest_come_first(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "r.sqlite")) as database:
        audit = Audit(database)
        assert audit.recent(5) == ()
        for n in range(7):
            audit.note("ann", "item.upserted", f"i{n}", why="test")
        told = [(e.who, e.action, e.ref, e.why) for e in Audit(database).recent(2)]
        assert told == [
            ("ann", "item.upserted", "i6", "test"),
            ("ann", "item.upserted", "i5", "test"),
        ]


@pytest.mark.parametrize("statement", ["DELETE FROM audit", "UPDATE audit SET who = 'nobody'"])
def test_t20_nothing_is_changed_or_taken_away(tmp_path: Path, statement: str) -> None:
    with closing(Database(tmp_path / "r.sqlite")) as database:
        audit = Audit(database)
        audit.note("ann", "item.upserted", "i1")
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            database.query(statement)
        assert len(audit.recent(5)) == 1


def test_nobody_answers_for_nothing(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "r.sqlite")) as database:
        with pytest.raises(StoreError, match="nobody is named"):
            Audit(database).note("  ", "item.upserted", "i1")
        assert Audit(database).recent(5) == ()

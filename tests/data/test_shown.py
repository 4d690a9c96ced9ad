"""What slates showed, by the users of the dataset of the same log."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from palate.config import Schema
from palate.data.from_log import dataset_from_records
from palate.data.shown import shown_in
from palate.events.log.base import batches
from palate.events.log.sqlite import SqliteEventLog
from palate.events.schema import Event
from palate.events.served import Slate, served_event


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteEventLog]:
    with SqliteEventLog(tmp_path / "log.sqlite") as opened:
        yield opened


def slate(request: str, items: str, user: str | None = None, visitor: str | None = None) -> Event:
    n = len(items)
    made = Slate(
        request_id=request, user_id=user, anonymous_id=visitor, timestamp=10, items=list(items),
        scores=[0.0] * n, propensities=[1.0] * n,
    )  # fmt: skip
    return served_event(made, f"slate-{request}")


def click(
    item: str, request: str | None = None, *, user: str | None = None, visitor: str | None = None
) -> Event:
    return Event(
        event="click", event_id=f"{item}{request}{user}{visitor}", item_id=item,
        request_id=request, timestamp=11, user_id=user, anonymous_id=visitor,
    )  # fmt: skip


def test_visitors_are_those_of_the_dataset(log: SqliteEventLog) -> None:
    log.append([
        slate("1", "ab", user="ann"),
        click("b", "1", user="ann"),
        slate("2", "a", visitor="v"),
        click("a", visitor="v"),
        slate("3", "b", visitor="stranger"),
        click("b", visitor="stranger"),
        Event(event="user.identified", event_id="i", user_id="bob", anonymous_id="v"),
    ])  # fmt: skip
    shown = shown_in(log)
    assert shown.select("user_id", "item_id", "click").rows() == [
        ("ann", "a", 0), ("ann", "b", 1), ("bob", "a", 0), ("\x01stranger", "b", 0),
    ]  # fmt: skip
    records = (record for part in batches(log) for record in part)
    known = set(dataset_from_records(records, Schema()).user_vocabulary.ids)
    assert set(shown["user_id"]) <= known


def test_only_the_newest_slates_count(log: SqliteEventLog) -> None:
    log.append([slate(str(n), "ab", user="ann") for n in range(5)])
    assert shown_in(log, slates=2)["request_id"].unique().sort().to_list() == ["3", "4"]


def test_a_log_without_slates_shows_nothing(log: SqliteEventLog) -> None:
    log.append([click("a", user="ann")])
    shown = shown_in(log)
    assert shown.is_empty()
    assert shown.schema["user_id"] == pl.String

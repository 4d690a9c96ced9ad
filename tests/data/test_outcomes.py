from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from palate.data.outcomes import ANSWER_COLUMNS, join_outcomes
from palate.errors import DataError
from palate.events.log.base import Record
from palate.events.schema import Event
from palate.events.served import Slate, served_event

SECOND = 1_000_000
_made = iter(range(10**9))


def slate(request: str = "r1", items: str = "abc", at_s: int = 100, **more: Any) -> Event:
    n = len(items)
    fields: dict[str, Any] = {
        "user_id": "u",
        "surface": "home",
        "release": "sar:1",
        "propensities": [1.0] * n,
        "scores": [1.0 / (1 + at) for at in range(n)],
    }
    made = Slate(
        request_id=request, timestamp=at_s * SECOND, items=list(items), **{**fields, **more}
    )
    return served_event(made, f"s{next(_made)}")


def did(kind: str, item: str, request: str | None = "r1", at_s: int = 101, **more: Any) -> Event:
    fields = {"user_id": "u", "event_id": f"o{next(_made)}", **more}
    return Event(event=kind, item_id=item, request_id=request, timestamp=at_s * SECOND, **fields)


def join(*events: Event, **options: Any) -> pl.DataFrame:
    return join_outcomes([Record(n, e) for n, e in enumerate(events, 1)], **options)


def test_a_row_for_each_item_of_each_slate() -> None:
    frame = join(slate(propensities=[1.0, 0.5, 0.25], history_length=4, history_offset=17))
    assert dict(frame.schema) == ANSWER_COLUMNS
    assert frame.select("item_id", "position", "score", "propensity").rows() == [
        ("a", 0, 1.0, 1.0), ("b", 1, 0.5, 0.5), ("c", 2, 1.0 / 3, 0.25),
    ]  # fmt: skip
    first = frame.row(0, named=True)
    assert first["timestamp"] == datetime.fromtimestamp(100, UTC)
    assert (first["request_id"], first["user_id"], first["surface"]) == ("r1", "u", "home")
    assert (first["release"], first["history_length"], first["history_offset"]) == ("sar:1", 4, 17)


def test_outcomes_are_counted_where_they_belong() -> None:
    frame = join(
        slate(),
        slate("r2", "ab", 200),
        did("click", "b"),
        did("click", "b"),
        did("buy", "b", value=3.0),
        did("buy", "b", value=5.0, at_s=150),
        did("buy", "b", at_s=160),
        did("click", "a", "r2", at_s=201),
    )
    assert frame.select("request_id", "item_id", "buy", "buy_value", "click").rows() == [
        ("r1", "a", 0, None, 0),
        ("r1", "b", 3, 5.0, 2),
        ("r1", "c", 0, None, 0),
        ("r2", "a", 0, None, 1),
        ("r2", "b", 0, None, 0),
    ]


def test_what_belongs_to_no_row_is_left_out() -> None:
    frame = join(
        slate(),
        did("click", "z"),  # was not shown
        did("click", "a", "r9"),  # of a slate that is not here
        did("click", "a", None),  # of no slate
        did("click", "a", user_id="somebody else"),
        did("item.deleted", "a"),  # is no outcome
    )
    assert frame["click"].to_list() == [0, 0, 0]
    assert "item.deleted" not in frame.columns


def test_an_outcome_may_stand_before_its_slate_and_twice() -> None:
    click, shown = did("click", "a"), slate()
    frame = join(click, shown, click, shown)
    assert frame["click"].to_list() == [1, 0, 0]


def test_a_visitor_who_signs_in_between() -> None:
    shown = slate(user_id=None, anonymous_id="v")
    same = did("click", "a", anonymous_id="v")
    other = did("click", "b", user_id=None, anonymous_id="w")
    assert join(shown, same, other)["click"].to_list() == [1, 0, 0]


def test_the_window() -> None:
    events = (slate(), did("click", "a", at_s=130), did("click", "b", at_s=131))
    assert join(*events, window_s=30)["click"].to_list() == [1, 0, 0]
    assert join(*events)["click"].to_list() == [1, 1, 0]


def test_named_outcomes_are_columns_though_nobody_did_them() -> None:
    frame = join(slate(items="a"), did("click", "a"), outcomes=["buy"])
    assert frame["buy"].to_list() == [0]
    assert "click" not in frame.columns
    with pytest.raises(DataError, match="'score'"):
        join(slate(), outcomes=["score"])


def test_nothing_served() -> None:
    frame = join(did("click", "a"))
    assert frame.height == 0
    assert frame.columns == [*ANSWER_COLUMNS, "click", "click_value"]
    assert join().columns == list(ANSWER_COLUMNS)
    assert join(slate(items="")).height == 0

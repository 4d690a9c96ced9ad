from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

BAD = ['{"event": "click", "item_id": "i1"}', "7", '{"event": "item.deleted"}']


@pytest.fixture
def refused(project: Path, palate: Run) -> Path:
    ran = palate("events", "post", "-", given="\n".join(BAD))
    assert ran.code == 1
    return project


def listed(palate: Run) -> Any:
    return palate("events", "dead", "list", "--json")


@pytest.mark.usefixtures("refused")
def test_what_was_refused_is_listed_with_its_reason(palate: Run) -> None:
    found = listed(palate).data
    assert (found["kept"], found["lost"]) == (3, 0)
    letters = found["letters"]
    assert [letter["number"] for letter in letters] == [1, 2, 3]
    assert [letter["raw"] for letter in letters] == BAD
    assert letters[0]["event"] == {"event": "click", "item_id": "i1"}
    assert "neither user_id nor anonymous_id" in letters[0]["reason"]
    assert {letter["source"] for letter in letters} == {"palate events post"}
    assert "item.deleted" in palate("events", "dead", "list").out
    assert len(palate("events", "dead", "list", "--after", "2", "--json").data["letters"]) == 1


@pytest.mark.usefixtures("refused")
def test_a_field_repairs_it(palate: Run) -> None:
    ran = palate("events", "dead", "replay", "1", "--set", "user_id=u9", "--json")
    assert ran.code == 0
    (result,) = ran.data
    assert (result["number"], result["verdict"], result["reason"]) == (1, "accepted", None)
    assert [letter["number"] for letter in listed(palate).data["letters"]] == [2, 3]
    (event,) = palate("events", "tail", "-n", "1", "--json").out.splitlines()
    assert json.loads(event)["user_id"] == "u9"
    assert json.loads(event)["event_id"] == result["event_id"]


@pytest.mark.usefixtures("refused")
def test_a_file_of_repaired_ones(palate: Run) -> None:
    good = {"event": "click", "user_id": "u", "item_id": "i1", "timestamp": "2025-01-01T12:00:00Z"}
    lines = [json.dumps({"number": n, "event": good}) for n in (1, 2)]
    Path("repaired.jsonl").write_text("\n".join(lines) + "\n\n")
    ran = palate("events", "dead", "replay", "--file", "repaired.jsonl", "--json")
    assert [result["verdict"] for result in ran.data] == ["accepted", "accepted"]
    assert [letter["number"] for letter in listed(palate).data["letters"]] == [3]


@pytest.mark.usefixtures("refused")
def test_what_is_still_refused_stays(palate: Run) -> None:
    ran = palate("events", "dead", "replay", "--all", "--json")
    assert ran.code == 1
    assert {result["verdict"] for result in ran.data} == {"invalid"}
    assert len(listed(palate).data["letters"]) == 3


@pytest.mark.usefixtures("refused")
def test_reserved_types_only_when_told(palate: Run) -> None:
    whole = ["events", "dead", "replay", "3", "--set", 'item_id="i1"', "--json"]
    ran = palate(*whole)
    assert "reserved" in ran.data[0]["reason"]
    assert palate(*whole, "--allow-reserved").data[0]["verdict"] == "accepted"


@pytest.mark.usefixtures("refused")
def test_replayed_twice_it_is_in_the_log_once(palate: Run) -> None:
    """As after a crash between the log's append and the letter's removal."""
    letters = Path(".palate/events/dead.sqlite")
    before = letters.read_bytes()  # closed by its owner: there is no journal beside it
    replay = ["events", "dead", "replay", "1", "--set", "user_id=u", "--json"]
    first = palate(*replay).data[0]
    letters.write_bytes(before)
    again = palate(*replay).data[0]
    assert (first["verdict"], again["verdict"]) == ("accepted", "duplicate")
    assert first["event_id"] == again["event_id"]
    assert len(listed(palate).data["letters"]) == 2


@pytest.mark.usefixtures("refused")
def test_dropped_ones_are_gone(palate: Run) -> None:
    assert palate("events", "dead", "drop", "2", "--json").data == {"dropped": [2]}
    assert palate("events", "dead", "drop", "--all", "--json").data == {"dropped": [1, 3]}
    assert listed(palate).data["letters"] == []


@pytest.mark.usefixtures("refused")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["replay"], "say which"),
        (["replay", "1", "--all"], "say which"),
        (["drop"], "say which"),
        (["replay", "99"], "no dead letter 99"),
        (["replay", "1", "--set", "user_id"], "FIELD=JSON"),
        (["replay", "--file", "bad.jsonl"], "line 1"),
    ],
)
def test_bad_input(palate: Run, arguments: list[str], says: str) -> None:
    Path("bad.jsonl").write_text('{"event": {}}')
    ran = palate("events", "dead", *arguments)
    assert ran.code == 1
    assert says in ran.err


def test_where_nothing_was_ever_refused(palate: Run) -> None:
    ran = palate("events", "dead", "list")
    assert ran.code == 1
    assert "nothing was ever refused" in ran.err

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from palate.config import load_settings
from palate.features.ingest import open_log

Run = Callable[..., Any]


def offsets(out: str) -> list[int]:
    return [json.loads(line)["offset"] for line in out.splitlines()]


@pytest.mark.usefixtures("project")
def test_from_one_offset_to_another(palate: Run) -> None:
    ran = palate("events", "replay", "--from", "41", "--to", "45")
    assert ran.code == 0
    assert offsets(ran.out) == [41, 42, 43, 44, 45]
    first = json.loads(ran.out.splitlines()[0])
    assert first["event_id"]
    assert first["received_at"] > 0
    everything = palate("events", "replay", "--from", "1")
    assert len(offsets(everything.out)) == palate("events", "stats", "--json").data["head"]


@pytest.mark.usefixtures("project")
def test_some_types(palate: Run) -> None:
    ran = palate("events", "replay", "--from", "1", "--event", "item.upserted")
    assert {json.loads(line)["event"] for line in ran.out.splitlines()} == {"item.upserted"}
    assert len(offsets(ran.out)) == 40


@pytest.mark.usefixtures("project")
def test_times_are_those_of_receipt(palate: Run) -> None:
    now = datetime.now(UTC)
    past, future = now - timedelta(days=1), now + timedelta(days=1)
    head = palate("events", "stats", "--json").data["head"]
    assert len(offsets(palate("events", "replay", "--from", past.isoformat()).out)) == head
    assert palate("events", "replay", "--from", future.isoformat()).out == ""
    assert palate("events", "replay", "--from", "1", "--to", past.date().isoformat()).out == ""
    ran = palate("events", "replay", "--from", "yesterday")
    assert ran.code == 1
    assert "neither an offset nor a time" in ran.err


def test_a_group_reads_on_and_begins_again(project: Path, palate: Run) -> None:
    settings = load_settings()
    with open_log(settings.home, settings, read_only=True) as log:
        log.commit("sink", 500)
    assert offsets(palate("events", "replay", "--group", "sink").out)[0] == 501
    ran = palate("events", "replay", "--group", "sink", "--from", "12", "--reset", "--json")
    assert ran.data == {"group": "sink", "before": 500, "committed": 11}
    assert offsets(palate("events", "replay", "--group", "sink").out)[0] == 12
    with open_log(settings.home, settings, read_only=True) as log:
        assert log.committed("sink") == 11
        log.lease("sink", "somebody", ttl_s=60)
    ran = palate("events", "replay", "--group", "sink", "--from", "1", "--reset")
    assert ran.code == 1
    assert "active consumer" in ran.err


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "arguments", [[], ["--reset"], ["--from", "1", "--reset"], ["--group", "g", "--reset"]]
)
def test_it_must_be_said_from_where(palate: Run, arguments: list[str]) -> None:
    ran = palate("events", "replay", *arguments)
    assert ran.code == 1
    assert "--from" in ran.err

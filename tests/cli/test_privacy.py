"""`palate privacy`: everything about a person, and then nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from palate.config import Settings
from palate.serve.background import BackgroundService

Run = Callable[..., Any]

ANN = "ann-of-green-gables"


@pytest.fixture
def lived(palate: Run) -> None:
    events = [
        {"event": "click", "anonymous_id": "visitor-7f3a", "item_id": "i1"},
        {"event": "user.identified", "user_id": ANN, "anonymous_id": "visitor-7f3a"},
        {"event": "click", "user_id": ANN, "item_id": "i2"},
        {"event": "click", "user_id": "bob", "item_id": "i2"},
    ]
    given = "".join(json.dumps(event) + "\n" for event in events)
    assert palate("events", "post", "-", given=given).code == 0


def traces(home: Path) -> list[Path]:
    names = (ANN.encode(), b"visitor-7f3a")
    files = [path for path in home.rglob("*") if path.is_file()]
    assert files
    return [path for path in files if any(name in path.read_bytes() for name in names)]


@pytest.mark.usefixtures("lived")
def test_export_and_erase_without_a_service(palate: Run) -> None:
    exported = palate("privacy", "export", ANN)
    assert exported.code == 0
    assert exported.data["user_id"] == ANN
    assert exported.data["anonymous_ids"] == ["visitor-7f3a"]
    assert [event["event"] for event in exported.data["events"]] == [
        "click", "user.identified", "click",
    ]  # fmt: skip
    assert [entry["item_id"] for entry in exported.data["history"]] == ["i1", "i2"]
    assert traces(Path(".palate"))

    erased = palate("privacy", "erase", ANN, "--json")
    assert erased.code == 0
    assert (erased.data["status"], erased.data["ids"]) == ("erased", 2)
    assert erased.data["erase_by"] is not None
    again = palate("privacy", "erase", ANN, "--now", "--json")
    assert again.data["status"] == "cleaned"
    assert traces(Path(".palate")) == []
    assert palate("privacy", "export", ANN).data["events"] == []
    assert palate("privacy", "export", "bob").data["history"][0]["item_id"] == "i2"

    late = palate("events", "post", "--event", "click", "--user", ANN, "--item", "i3", "--json")
    assert late.data[0]["verdict"] == "invalid"
    assert late.code == 1
    told = [entry["action"] for entry in palate("audit", "--json").data]
    assert told.count("privacy.export") == 3
    assert "user.forgotten" in told
    assert ANN not in palate("audit").out


def test_what_was_trained_and_recorded_names_nobody(palate: Run) -> None:
    """Releases, recorded runs, their judgement and the audit; and then log and state neither."""
    rows = [f"person-{u:02d}-of-many,film-{(u + n) % 8}" for u in range(12) for n in range(5)]
    Path("clicks.csv").write_text("user_id,item_id\n" + "\n".join(rows) + "\n")
    assert palate("import", "clicks.csv").code == 0
    assert palate("compare", "popular", "sar").code == 0
    assert palate("train", "sar", "--promote").code == 0
    home = Path(".palate")
    kept = [path for path in (home / "objects").rglob("*") if path.is_file()]
    kept += list(home.glob("registry.sqlite*"))
    assert len(kept) > 3
    assert [path for path in kept if b"-of-many" in path.read_bytes()] == []

    assert palate("privacy", "erase", "person-03-of-many", "--now", "--json").code == 0
    files = [path for path in home.rglob("*") if path.is_file()]
    assert [path for path in files if b"person-03-of-many" in path.read_bytes()] == []
    assert [path for path in files if b"person-04-of-many" in path.read_bytes()]


def test_an_impossible_id(palate: Run) -> None:
    done = palate("privacy", "erase", "")
    assert done.code == 1
    assert "user_id is empty" in done.err


@pytest.mark.slow
@pytest.mark.usefixtures("lived")
def test_through_a_running_service(palate: Run, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / ".palate", serve={"port": 0, "workers": 1})
    with BackgroundService(settings, log=tmp_path / "service.log"):
        erased = palate("privacy", "erase", ANN, "--now", "--json")
        assert erased.code == 0, erased.err
        assert erased.data == {"status": "cleaned", "ids": 2, "erase_by": None}
        assert traces(tmp_path / ".palate") == []

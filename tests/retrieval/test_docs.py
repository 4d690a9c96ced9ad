"""docs/live-catalogue.md: its examples say what is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from palate.retrieval.replica import Replica
from palate.testing.encoder import FakeEncoder
from palate.testing.live_catalogue import LiveCatalogue, run_until_quiet

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "live-catalogue.md").read_text()
FOLLOW, REPLICA = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_another_team_follows_the_topic(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveCatalogue(Path(".palate")) as catalogue:
        embedder = catalogue.embedder(FakeEncoder("aaaa"))
        catalogue.put("car1", {"price": 1})
        run_until_quiet(embedder)
        for _ in range(2):
            exec(compile(FOLLOW, "live-catalogue.md", "exec"), {})
    assert capsys.readouterr().out.count("car1 aaaa") == 1


def test_the_replica_is_made_as_it_says() -> None:
    scope: dict[str, object] = {}
    exec(compile(REPLICA, "live-catalogue.md", "exec"), scope)
    assert scope["Replica"] is Replica
    assert callable(scope["follow"])


def test_every_field_of_a_record_is_in_the_table(catalogue: LiveCatalogue) -> None:
    embedder = catalogue.embedder(FakeEncoder("aaaa"))
    catalogue.put("car1", {"price": 1})
    run_until_quiet(embedder)
    context = catalogue.topic.read()[0].event.context or {}
    said = re.findall(r"^\| `context\.(\w+)` \|", PAGE, re.MULTILINE)
    assert sorted(said) == sorted(context)


def test_every_test_that_shows_a_fault_is_there() -> None:
    _, _, rest = PAGE.partition("## What goes wrong")
    table, _, _ = rest.partition("\n## ")
    rows = [row for row in table.splitlines() if "`tests/" in row]
    assert len(rows) >= 15
    root = Path(__file__).resolve().parents[2]
    for row in rows:
        source = ""
        for named in re.findall(r"`(tests/[a-z_/]+\.py|test_[a-z_]+)`", row):
            if named.startswith("tests/"):
                source = (root / named).read_text()
            else:
                assert f"def {named}(" in source, named

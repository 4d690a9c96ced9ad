"""`palate events tail --follow` shows what comes while it runs."""

from __future__ import annotations

import json
from pathlib import Path

from palate.config import Settings
from palate.events.schema import Event
from palate.features.ingest import open_ingest
from palate.testing.process import OtherProcess


def event(number: int, kind: str = "click") -> Event:
    return Event(event=kind, event_id=f"e{number}", user_id="ann", item_id="i")


def test_it_goes_on_with_what_comes_of_the_types_that_are_wanted(tmp_path: Path) -> None:
    home = tmp_path / "home"
    command = ["events", "tail", "--follow", "--json", "--event", "click", "-n", "1"]
    source = f"""
from palate.cli.main import app
app({[*command, "--home", str(home)]!r})
"""
    with open_ingest(home, Settings(home=home)) as ingest:
        ingest.append([event(0), event(1)])
        with OtherProcess(source) as tail:
            assert json.loads(tail.line())["event_id"] == "e1"
            for n in range(2, 8, 2):
                ingest.append([event(n, "view"), event(n + 1)])
                shown = json.loads(tail.line())
                assert (shown["event_id"], shown["offset"]) == (f"e{n + 1}", n + 2)

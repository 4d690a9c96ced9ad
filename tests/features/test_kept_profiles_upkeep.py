"""Profiles and a log that is trimmed: what was dropped from it stays in them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.features.profiled import (
    DAY_US,
    SCHEMA,
    car,
    view,
)

from palate.config import (
    LogSettings,
    ProfileSettings,
    Settings,
)
from palate.events.log import sqlite
from palate.features.ingest import open_ingest
from palate.features.keys import PROFILE


def profiled(**profile: Any) -> Settings:
    return Settings(
        events=SCHEMA.events,
        items=SCHEMA.items,
        log=LogSettings(retention_days=10.0),
        profile=ProfileSettings(**profile),
    )


def _keep_up(home: Path, wanted: Settings, days: int) -> dict[bytes, bytes]:
    """All profiles, once the log's owner has done all that there is to do on that day."""
    with open_ingest(home, wanted) as ingest:
        while ingest.keep_up(days * DAY_US):
            pass
        return dict(ingest.state.store.scan(PROFILE))


@pytest.mark.parametrize("changed", [False, True])
def test_what_was_dropped_from_the_log_stays_in_the_profiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: bool
) -> None:
    """A rebuild begins with the base, also of a definition that came after the base was made."""
    wanted = profiled()
    with open_ingest(tmp_path, wanted) as ingest:
        for day, who in ((80, "u"), (85, "v"), (95, "u")):
            monkeypatch.setattr(sqlite, "now_us", lambda day=day: day * DAY_US)
            ingest.append(
                [
                    msgspec.structs.replace(event, event_id=f"{day}-{n}")
                    for n, event in enumerate([car("i", colour=who), view(who, "i", day * DAY_US)])
                ]
            )
            if day == 85:
                while ingest.keep_up(93 * DAY_US):  # u's first event goes
                    pass
        assert ingest.log.start() > 1
    if changed:
        wanted = profiled(half_life_days=7.0)
        _keep_up(tmp_path, wanted, 93)  # the base has it too, from what the log still holds
    lived = _keep_up(tmp_path, wanted, 100)
    assert len(lived) == (4 if changed else 2)
    shutil.rmtree(tmp_path / "state")
    with open_ingest(tmp_path, wanted) as ingest:
        assert dict(ingest.state.store.scan(PROFILE)) == lived
        found = ingest.state.profiles.user("u")
        assert found is not None
        events = found.statistics().counts["colour"]["u"]
        # A definition that came later knows what the log still held; the other knows all.
        assert (events == 1.0) is changed

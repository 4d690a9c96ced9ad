from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.mark.usefixtures("project")
def test_there_and_back_again(palate: Run) -> None:
    made = palate("backup", "copy", "--json")
    assert made.code == 0
    stats = palate("events", "stats", "--json").data
    assert made.data["log_head"] == stats["head"]
    assert palate("restore", "copy", "--check", "--json").data["restored"] is False

    back = palate("restore", "copy", "--home", "other", "--json")
    assert back.data["restored"] is True
    assert palate("events", "stats", "--home", "other", "--json").data == stats
    ours, theirs = (
        palate("recommend", "u1", "--json", *home).data for home in ([], ["--home", "other"])
    )
    assert ours["items"] == theirs["items"]


@pytest.mark.usefixtures("project")
def test_nothing_is_replaced_unless_told(palate: Run) -> None:
    assert palate("backup", "copy").code == 0
    for refused in (["backup", "copy"], ["restore", "copy"]):
        ran = palate(*refused)
        assert ran.code == 1
        assert "--force" in ran.err
    assert palate("backup", "copy", "--force").code == 0
    ran = palate("restore", "copy", "--force")
    assert ran.code == 0
    assert "is restored" in ran.out


@pytest.mark.usefixtures("project")
def test_an_altered_backup_is_refused(palate: Run) -> None:
    palate("backup", "copy")
    file = Path("copy/events/log.sqlite")
    raw = bytearray(file.read_bytes())
    raw[5000] ^= 1
    file.write_bytes(raw)
    for arguments in (["--check"], ["--force"], ["--home", "other"]):
        ran = palate("restore", "copy", *arguments)
        assert ran.code == 1
        assert "events/log.sqlite was altered" in ran.err
    assert not Path("other").exists()


def test_nothing_to_back_up_or_restore(palate: Run) -> None:
    assert "no event log" in palate("backup", "copy").err
    assert "is no backup" in palate("restore", "copy").err

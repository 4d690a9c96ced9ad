from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def by_check(ran: Any) -> dict[str, Any]:
    return {finding["check"]: finding for finding in ran.data}


def test_all_is_well(palate: Run, project: Path) -> None:
    ran = palate("doctor", "--json")
    findings = by_check(ran)
    assert ran.code == 0
    for check in ("palate", "packages", "clock", "settings", "home", "log", "state", "bundles"):
        assert findings[check]["level"] == "ok", findings[check]
    assert findings["alias"]["found"] == "stable is sar:1"


def test_a_new_folder_is_told_what_to_type(palate: Run) -> None:
    ran = palate("doctor")
    assert ran.code == 0
    assert "next: palate init" in ran.out
    assert "next: palate import" in ran.out


def test_an_altered_bundle_fails(palate: Run, project: Path) -> None:
    bundle = next((project / ".palate" / "objects").rglob("state.npz"))
    bundle.chmod(0o644)
    bundle.write_bytes(bundle.read_bytes()[:-1])
    ran = palate("doctor", "--json")
    assert ran.code == 1
    assert by_check(ran)["bundle"]["level"] == "fail"
    assert "state.npz" in by_check(ran)["bundle"]["found"]


def test_settings_that_do_not_parse_fail(palate: Run) -> None:
    Path("palate.toml").write_text("[")
    ran = palate("doctor", "--json")
    assert ran.code == 1
    assert by_check(ran)["settings"]["level"] == "fail"


def test_state_behind_the_log_is_told(palate: Run, project: Path) -> None:
    from palate.config import load_settings
    from palate.events.schema import Event
    from palate.features.ingest import open_log

    home = project / ".palate"
    with open_log(home, load_settings(), read_only=False) as log:
        log.append([Event(event="visit", event_id="e", user_id="u")])
    assert "1 events behind" in by_check(palate("doctor", "--json"))["state"]["found"]


def test_a_registry_that_is_no_database_fails(palate: Run, project: Path) -> None:
    for path in (project / ".palate").glob("registry.sqlite*"):
        path.unlink()
    (project / ".palate" / "registry.sqlite").write_bytes(b"no database" * 1000)
    ran = palate("doctor", "--json")
    assert ran.code == 1
    assert by_check(ran)["releases"]["level"] == "fail"


def test_a_home_that_is_a_file_fails(palate: Run, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    ran = palate("doctor", "--home", "home", "--json")
    assert ran.code == 1
    assert by_check(ran)["home"]["level"] == "fail"


def test_a_taken_port_is_told(palate: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("PALATE_SERVE__PORT", str(taken.getsockname()[1]))
        assert by_check(palate("doctor", "--json"))["port"]["level"] == "warn"


def test_crowded_threads_are_told(palate: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "100000")
    assert by_check(palate("doctor", "--json"))["threads"]["level"] == "warn"

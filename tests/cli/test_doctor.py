from __future__ import annotations

import collections
import http.server
import importlib.metadata
import os
import re
import resource
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from palate.cli.doctor import databases, log, machine, service, versions
from palate.cli.doctor.home import check_home
from palate.serve.lock import RunningService, announce, only_service

Run = Callable[..., Any]


def by_check(ran: Any) -> dict[str, Any]:
    return {finding["check"]: finding for finding in ran.data}


def test_all_is_well(palate: Run, project: Path) -> None:
    ran = palate("doctor", "--json")
    findings = by_check(ran)
    assert ran.code == 0
    for check in (
        "palate",
        "packages",
        "clock",
        "settings",
        "home",
        "databases",
        "log",
        "state",
        "bundles",
    ):
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


def test_a_home_without_a_service_is_left_as_it_was(palate: Run, project: Path) -> None:
    def kept() -> dict[str, bytes]:
        files = (project / ".palate").rglob("*")
        return {str(f): f.read_bytes() for f in files if f.is_file() and f.name != "lock.mdb"}

    before = kept()
    assert palate("doctor", "--deep", "--json").code == 0
    assert {name: kept()[name] for name in before} == before


def test_a_torn_log_fails(palate: Run, project: Path) -> None:
    file = project / ".palate" / "events" / "log.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw = bytearray(file.read_bytes())
    raw[4096 * 3 : 4096 * 4] = b"\xff" * 4096
    file.write_bytes(bytes(raw))
    ran = palate("doctor", "--json")
    assert ran.code == 1
    found = by_check(ran)["databases"]
    assert found["level"] == "fail"
    assert "log.sqlite is damaged" in found["found"]
    assert "palate restore" in found["hint"]


def test_a_log_of_another_version_fails(palate: Run, project: Path) -> None:
    with closing(sqlite3.connect(project / ".palate" / "events" / "log.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 999")
    ran = palate("doctor", "--json")
    assert ran.code == 1
    assert by_check(ran)["log"]["level"] == "fail"
    assert "version" in by_check(ran)["log"]["found"]


def test_a_large_database_is_looked_through_for_a_while(
    palate: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "QUICK_S", -1.0)
    monkeypatch.setattr(databases, "_STEPS", 1)
    found = by_check(palate("doctor", "--json"))["databases"]
    assert found["level"] == "warn"
    assert found["hint"] == "palate doctor --deep"
    assert by_check(palate("doctor", "--deep", "--json"))["databases"]["level"] == "ok"


def test_an_altered_state_fails_the_deep_look(palate: Run, project: Path) -> None:
    from palate.config import load_settings
    from palate.features.ingest import open_state

    with closing(open_state(project / ".palate", load_settings(), read_only=False)) as state:
        (user, *_) = state.users(limit=1)
        state.store.write({b"u:" + user.encode(): b"\xc1"}, offset=state.offset())
    assert palate("doctor").code == 0
    ran = palate("doctor", "--deep", "--json")
    assert ran.code == 1
    assert by_check(ran)["state"]["level"] == "fail"


def test_a_state_of_another_log_fails(palate: Run, project: Path) -> None:
    shutil.rmtree(project / ".palate" / "events")
    from palate.config import load_settings
    from palate.features.ingest import open_log

    with open_log(project / ".palate", load_settings(), read_only=False):
        pass
    ran = palate("doctor", "--json")
    assert ran.code == 1
    assert "belongs to another log" in by_check(ran)["state"]["found"]
    assert "rm -r" in by_check(ran)["state"]["hint"]


def test_a_state_of_another_history_limit_is_told(
    palate: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PALATE_SERVE__HISTORY_LIMIT", "7")
    found = by_check(palate("doctor", "--json"))["state"]
    assert (found["level"], "rebuilds it" in found["hint"]) == ("warn", True)


def test_a_group_that_never_commits_is_told(
    palate: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from palate.config import load_settings
    from palate.features.ingest import open_log

    with open_log(project / ".palate", load_settings(), read_only=False) as opened:
        assert opened.lease("billing", "job-1", ttl_s=60.0)
        opened.commit("warehouse", opened.head())
    assert by_check(palate("doctor", "--json"))["groups"]["found"] == "2 known"
    monkeypatch.setattr(log, "LAG_EVENTS", 10)
    (found, *_) = [f for f in palate("doctor", "--json").data if f["check"] == "groups"]
    assert found["level"] == "warn"
    assert "billing is 540 events" in found["found"]
    assert "job-1 is at work" in found["found"]
    assert "not trimmed" in found["hint"]


def test_an_event_from_the_future_means_a_wrong_clock(
    palate: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 7200)
    found = by_check(palate("doctor", "--json"))["log's clock"]
    assert (found["level"], found["hint"]) == ("warn", "set the clock: timedatectl")


def test_a_clock_before_palate_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 0.0)
    (found,) = machine.check_clock()
    assert found.level == "fail"


@pytest.mark.parametrize(("free", "level"), [(1 << 20, "fail"), (1 << 29, "warn"), (1 << 40, "ok")])
def test_a_disk_that_fills_up_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: str
) -> None:
    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1 << 41, 0, free))
    (found,) = machine.check_disk(tmp_path / "not" / "yet")
    assert found.level == level


def test_a_home_that_cannot_be_written_fails() -> None:
    """Where the kernel alone makes files, not even root can."""
    (found,) = check_home(Path("/proc/self"))
    assert found.level == "fail"
    assert found.hint


def test_a_package_that_is_too_old_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "0.9rc1" if name == "polars" else real(name)
    )
    (_, found) = versions.check_versions()
    assert found.level == "fail"
    assert re.search(r"polars 0\.9rc1, [1-9][0-9.]+ is needed", found.found)


def test_a_missing_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    (found,) = versions.check_extras()
    assert found.hint == "pip install 'palate[serve]'"


def test_few_open_files_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (256, 256))
    (found,) = service.check_files()
    assert found.hint is not None
    assert "ulimit" in found.hint


class _Ready(http.server.BaseHTTPRequestHandler):
    status = 200
    body = b"{}"

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """The URL of a service that says the same to everybody."""
    handler = type("Handler", (_Ready,), {"status": status, "body": body})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_service_that_is_ready(palate: Run, project: Path) -> None:
    with answering(200, b"{}") as url, only_service(project / ".palate") as lock:
        assert by_check(palate("doctor", "--json"))["service"]["found"] == "is just starting"
        announce(lock, url)
        found = by_check(palate("doctor", "--json"))
        assert found["service"] == {
            "level": "ok", "check": "service", "found": f"ready at {url}", "hint": None
        }  # fmt: skip
        assert "version" not in found


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"detail": "the writer is away"}', "the writer is away"),
        (b"<html>", "it does not say why"),
        (b"[]", "it does not say why"),
    ],
)
def test_a_service_that_is_not_ready_says_why(
    palate: Run, project: Path, body: bytes, why: str
) -> None:
    with answering(503, body) as url, only_service(project / ".palate") as lock:
        announce(lock, url)
        found = by_check(palate("doctor", "--json"))["service"]
        assert (found["level"], why in found["found"]) == ("warn", True)


def test_a_service_that_does_not_answer_fails(palate: Run, project: Path) -> None:
    with answering(200, b"") as url:
        pass  # it has gone
    with only_service(project / ".palate") as lock:
        announce(lock, url)
        ran = palate("doctor", "--json")
        assert ran.code == 1
        assert f"kill {os.getpid()}" in by_check(ran)["service"]["hint"]


def test_a_service_of_another_version_is_told() -> None:
    with answering(200, b"{}") as url:
        (_, found) = service._ask(RunningService(7, url, "0.0.1"))
    assert found.check == "version"
    assert "0.0.1" in found.found

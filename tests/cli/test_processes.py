"""The command line as a process: exit codes, streams, and a service beside it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

PALATE = [sys.executable, "-m", "palate.cli"]


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PALATE, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )


def test_failure_is_one_usage_is_two(tmp_path: Path) -> None:
    failed = run("release", "show", "nosuch", cwd=tmp_path)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "nosuch" in failed.stderr
    assert "Traceback" not in failed.stderr
    misused = run("recommend", cwd=tmp_path)
    assert misused.returncode == 2
    assert "Usage: " in misused.stderr


def test_json_is_all_there_is_on_stdout(project: Path) -> None:
    answered = run("recommend", "u01", "--json", cwd=project)
    assert answered.returncode == 0
    assert json.loads(answered.stdout)["release"] == "sar:1"


def test_a_closed_pipe_is_no_fault_of_ours(project: Path) -> None:
    process = subprocess.Popen(
        [*PALATE, "events", "tail", "-n", "500", "--json"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
    process.wait(60)


@pytest.mark.slow
def test_beside_a_service_events_go_through_its_writer(project: Path) -> None:
    log = project / "serve.log"
    with log.open("wb") as errors:
        service = subprocess.Popen(
            [*PALATE, "serve", "--port", "0", "--workers", "1", "--json"],
            cwd=project,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    assert service.stdout is not None
    try:
        line = service.stdout.readline()
        assert line, log.read_text()
        url = json.loads(line)["url"]
        assert json.loads(line)["pid"] == service.pid
        again = run("import", "clicks.parquet", "--items", "films.parquet", "--json", cwd=project)
        assert again.returncode == 0, again.stderr
        assert (json.loads(again.stdout)["new"], json.loads(again.stdout)["duplicates"]) == (0, 540)
        posted = run(
            "events", "post", "--event", "click", "--user", "new", "--item", "m01", cwd=project
        )
        assert posted.returncode == 0, posted.stderr
        with urllib.request.urlopen(f"{url}/v1/users/new", timeout=10) as answer:
            assert [event["item_id"] for event in json.load(answer)["events"]] == ["m01"]
        ours = run("recommend", "new", "--json", cwd=project)
        assert json.loads(ours.stdout)["known"]
        findings = json.loads(run("doctor", "--json", cwd=project).stdout)
        assert {
            "level": "ok",
            "check": "service",
            "found": f"ready at {url}",
            "hint": None,
        } in findings
        second = run("serve", "--port", "0", cwd=project)
        assert second.returncode == 1
        assert "another service runs" in second.stderr
        service.send_signal(signal.SIGINT)
        assert service.wait(60) == 0
    finally:
        service.kill()
        service.wait()
        service.stdout.close()

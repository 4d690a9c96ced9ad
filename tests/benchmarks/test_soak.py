"""The soak and the fuzzing, short: the same scripts run for minutes by `make soak` and by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
pytestmark = pytest.mark.slow


def run(script: str, output: Path, *arguments: str) -> tuple[dict[str, float], str]:
    """The figures that a script recorded, and what it said."""
    command = [sys.executable, str(BENCHMARKS / script), "--json", str(output), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert output.is_file(), done.stdout + done.stderr
    figures = {record["name"]: record["value"] for record in json.loads(output.read_text())}
    return figures, done.stdout + done.stderr


def test_nothing_is_lost_under_kill_9(tmp_path: Path) -> None:
    """How soon it is well again depends on what else runs here: `make soak` judges that."""
    found, said = run("soak.py", tmp_path / "soak.json", "--seconds", "30", "--mean", "2.5")
    assert found["soak/kills"] >= 3, said
    assert found["soak/faults found by the audit"] == 0, said
    assert found["soak/requests failed after recovery"] == 0, said
    assert found["soak/events acknowledged"] > 10, said  # a second, however busy the machine is
    assert "never acknowledged" not in said


def test_roles_over_redis_under_kill_9(tmp_path: Path) -> None:
    """Each part is killed; nothing lost, nothing wrong, all well again, however long it takes."""
    seconds = os.environ.get("PALATE_SOAK_S", "30")
    found, said = run("soak_roles.py", tmp_path / "soak.json", "--seconds", seconds)
    assert "the soak passed" in said, said
    for part in ("gateway", "writer", "worker", "embedder", "indexer", "redis"):
        assert found[f"soak_roles/kills of {part}"] >= 1, said
    assert found["soak_roles/wrong or failed answers"] == 0, said
    assert found["soak_roles/empty slates"] == 0, said
    assert found["soak_roles/slates"] > 1, said  # a second, however busy the machine is


def test_no_spoilt_request_ends_in_a_5xx(tmp_path: Path) -> None:
    found, said = run("fuzz.py", tmp_path / "fuzz.json", "--requests", "2000", "--seed", "7")
    assert found["fuzz/requests"] == 2000
    assert found["fuzz/all faults"] == 0, said
    assert found["fuzz/refused with a 4xx"] > 200, "most were spoilt indeed"

"""The audit of dependencies: holes and gaps are told, and silence of the source is no all-clear."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]

HOLE = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2", "3"]}]}
OPEN = {"name": "b", "version": "1", "vulns": [{"id": "CVE-2", "fix_versions": []}]}
WHOLE = {"name": "c", "version": "1", "vulns": []}
SKIPPED = {"name": "d", "skip_reason": "not found"}


@pytest.fixture
def tool() -> ModuleType:
    path = ROOT / "tools" / "audit_dependencies.py"
    spec = importlib.util.spec_from_file_location("audit_dependencies", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, answers: list[dict[str, Any]], *flags: str,
    known: bool = True,
) -> Any:  # fmt: skip
    def ask(requirements: Path) -> list[dict[str, Any]]:
        if requirements.name == "probe.txt":
            assert requirements.read_text().strip() == tool.KNOWN_HOLE
            return [HOLE] if known else [SKIPPED]
        assert requirements.name == "constraints.txt"
        return answers

    monkeypatch.setattr(tool, "ask", ask)
    monkeypatch.setattr(sys, "argv", ["audit", *flags])
    return tool.main()


def test_t23_holes_and_gaps_fail(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tool, monkeypatch, [HOLE, OPEN, WHOLE, SKIPPED]) == tool.HOLES
    assert capsys.readouterr().out.splitlines() == [
        "a 1: CVE-1, fixed in 2, 3",
        "b 1: CVE-2, fixed in nothing yet",
        "d: not found",
    ]
    assert run(tool, monkeypatch, [WHOLE]) == 0


def test_t23_a_source_that_knows_nothing_is_no_all_clear(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tool, monkeypatch, [WHOLE], known=False) == tool.UNREACHABLE
    assert run(tool, monkeypatch, [WHOLE], "--if-reachable", known=False) == 0
    said = capsys.readouterr().out
    assert said.count("NOT AUDITED") == 2
    assert said.count("does not hold: that none of them has a known hole") == 2
    assert tool.unanswered("a==1\n# b==2\nc==3  # why\n").count(" 2 versions") == 1


def test_t23_ci_asks() -> None:
    assert "tools/audit_dependencies.py" in (ROOT / "Makefile").read_text()
    assert re.search(r"^make audit", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)

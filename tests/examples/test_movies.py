from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

MAIN = Path(__file__).resolve().parents[2] / "examples" / "movies" / "main.py"


def test_it_compares_releases_and_recommends(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [str(MAIN)])
    runpy.run_path(str(MAIN), run_name="__main__")
    said = capsys.readouterr().out
    assert "| ease |" in said
    assert "released films:1, a " in said
    assert said.splitlines()[-5].startswith("1. The ")


@pytest.mark.data
def test_it_runs_on_real_films(
    palate_data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [str(MAIN), str(palate_data)])
    runpy.run_path(str(MAIN), run_name="__main__")
    assert "100,000 events, 943 people, 1,682 films" in capsys.readouterr().out

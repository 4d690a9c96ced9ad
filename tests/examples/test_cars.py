from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

MAIN = Path(__file__).resolve().parents[2] / "examples" / "cars" / "main.py"


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> str:
    monkeypatch.setattr(sys, "argv", [str(MAIN), *arguments])
    runpy.run_path(str(MAIN), run_name="__main__")
    return capsys.readouterr().out


def shares(said: str) -> dict[str, float]:
    """What each model gained over chance."""
    return {name: float(share) for name, share in re.findall(r"^(\w+) +(-?\d\.\d\d)", said, re.M)}


def test_a_profile_sharpens_and_attributes_beat_popularity(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run(capsys, monkeypatch)
    assert "6,000 cars, 1,000 visitors" in said
    unsure = [int(found) for found in re.findall(r"events +\S.*? ± (\d+)%", said)]
    assert unsure[-1] < unsure[0]
    gained = shares(said)
    assert 0 < gained["Popular"] < gained["ALS"] < gained["ContentKNN"] < 1


@pytest.mark.data
def test_it_runs_on_real_cars(
    palate_data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gained = shares(run(capsys, monkeypatch, str(palate_data)))
    assert 0 < gained["Popular"] < gained["ContentKNN"] < 1

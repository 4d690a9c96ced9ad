"""The demo as a newcomer runs it: a real process, a real service, real answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from palate.cli.demo.choosing import choices
from palate.cli.demo.contest import run_contest, standings
from palate.cli.demo.data import find_data
from palate.config import Settings
from palate.data.generated import generate
from palate.data.sources import source
from palate.data.sources.origins import LocalFolder
from palate.models.ease import EASE

COMMAND = [sys.executable, "-m", "palate.cli", "demo", "--generated", "--port", "0"]
LONGEST_S = 180


def quiet(done: int, total: int, what: str) -> None:
    """Nobody looks."""


@pytest.mark.slow
def test_the_whole_loop_and_once_more(tmp_path: Path) -> None:
    command = [*COMMAND, "--exit", "--json", "--home", str(tmp_path / "demo")]
    facts: list[dict[str, Any]] = []
    for _ in range(2):
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LONGEST_S, cwd=tmp_path, check=False
        )
        assert done.returncode == 0, done.stderr
        facts.append(json.loads(done.stdout))
    first, second = facts
    assert len(first["models"]) == 6
    assert first["winner"] == max(first["models"], key=first["models"].__getitem__)
    assert Path(first["report"]).is_file()
    assert first["release"] == second["release"] == "movies:1"
    assert "models" not in second  # nothing was compared again
    for told in facts:
        assert len(told["posted"]) == 3
        assert told["before"] != told["after"]
        assert not set(told["posted"]) & set(told["after"])
    assert first["user_id"] != second["user_id"]
    own = {reason["item_id"] for reasons in first["reasons"] for reason in reasons}
    assert own & set(first["posted"])


@pytest.mark.slow
def test_it_serves_until_ctrl_c(tmp_path: Path) -> None:
    command = [*COMMAND, "--home", str(tmp_path / "demo")]
    log = tmp_path / "demo.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=tmp_path,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    assert process.stdout is not None
    try:
        said = []
        for line in process.stdout:
            said.append(line.decode())
            if line.startswith(b"Serving at "):
                break
        else:
            pytest.fail(log.read_text())
        url = said[-1].split()[2]
        with urllib.request.urlopen(f"{url}/v1/popular?k=1", timeout=10) as answer:
            assert len(json.load(answer)["items"]) == 1
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read().decode()
        assert process.wait(30) == 0
        assert "Ended." in rest
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(f"{url}/healthz", timeout=10)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_without_a_public_set_it_says_why_and_generates(tmp_path: Path) -> None:
    found = find_data(tmp_path, accept_licence=False, public=True, progress=quiet)
    assert found.missed is not None
    assert "terms" in found.missed
    assert found.dataset.name == "a generated catalogue"


@pytest.mark.data
def test_a_local_copy_will_do(
    palate_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ml_100k = source("ml-100k")
    local = tuple(o for o in ml_100k.origins if isinstance(o, LocalFolder))
    monkeypatch.setattr(
        "palate.data.sources.SOURCES",
        {"ml-100k": replace(ml_100k, origins=local)},
    )
    found = find_data(tmp_path, accept_licence=True, public=True, progress=quiet)
    assert found.missed is None
    assert len(found.dataset) == 100_000


def test_standings_are_in_order_with_the_longest_bar_first() -> None:
    dataset = generate(60, 40, 500, seed=3).dataset
    comparison = run_contest(dataset, Settings(), quiet)
    lines = standings(comparison).splitlines()
    assert [line.split()[0] for line in lines[1:]] == [row.name for row in comparison.rows]
    bars = [line.count("█") for line in lines[1:]]
    assert bars == sorted(bars, reverse=True)
    assert bars[0] == 24


def test_what_is_chosen_is_new_to_the_user_and_changes_the_slate() -> None:
    dataset = generate(120, 80, 1500, seed=3).dataset
    genres = dict(dataset.items.select("item_id", "genres").iter_rows())
    model = EASE().fit(dataset)
    found = choices(dataset, model, genres)
    assert [c.change for c in found] == sorted((c.change for c in found), reverse=True)
    assert found[0].change > 0
    for choice in found:
        history = dataset.histories.select(dataset.user_vocabulary.rows([choice.user]))
        seen = {dataset.item_vocabulary.id(int(row)) for row in np.unique(history.items)}
        assert len(set(choice.films)) == 3
        assert not seen & set(choice.films)
        assert all(choice.genre in genres[film] for film in choice.films)
        assert choice.events == len(history)

"""Runs on record: what went in comes out, newest first, failures too."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from palate.errors import DataError
from palate.evaluate import Comparison, Protocol, compare, open_runs

if TYPE_CHECKING:
    from tests.evaluate.conftest import Kit


@pytest.fixture(scope="module")
def comparison(kit: Kit) -> Comparison:
    models = {"good": kit.model("popular"), "bad": kit.model("raise")}
    return compare(models, kit.crowd(), Protocol(k=3, rounds=20))


def test_what_was_found_is_on_record(tmp_path: Path, comparison: Comparison) -> None:
    kept = open_runs(tmp_path).record(comparison)
    run = open_runs(tmp_path).get(kept[0].id)
    assert run == kept[0]
    row, judgement = comparison.judged[0]
    assert run.name == row.name == "good"
    assert run.model == "scripted"
    assert run.config["mode"] == "popular"
    assert run.protocol == comparison.protocol
    assert run.protocol.hash == comparison.protocol.hash
    assert run.data_checksum == comparison.data.checksum
    assert run.metrics == dict(judgement.intervals)
    assert run.figures == dict(judgement.figures)
    assert (run.fit_s, run.memory_mib) == (row.fit_s, row.memory_mib)
    assert run.recommend_s == judgement.recommend_s
    assert run.environment == comparison.environment
    assert run.started_at == comparison.started_at
    assert run.error is None


def test_failures_are_on_record(tmp_path: Path, comparison: Comparison) -> None:
    bad = open_runs(tmp_path).record(comparison)[1]
    assert bad.error == "ZeroDivisionError: nothing to divide by"
    assert bad.metrics == {}
    assert bad.recommend_s is None


def test_newest_first(tmp_path: Path, comparison: Comparison) -> None:
    runs = open_runs(tmp_path)
    ids = [run.id for _ in range(3) for run in runs.record(comparison)]
    assert ids == sorted(set(ids))
    assert [run.id for run in runs.recent()] == ids[::-1]
    assert [run.id for run in runs.recent(2)] == ids[-1:-3:-1]
    assert {run.name for run in runs.recent(name="bad")} == {"bad"}
    assert len(runs.recent(name="bad")) == 3


def test_nothing_on_record(tmp_path: Path) -> None:
    runs = open_runs(tmp_path)
    assert runs.recent() == []
    with pytest.raises(DataError, match="no run has the id 7"):
        runs.get(7)

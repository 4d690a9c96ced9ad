"""Tables in forms of their own, from records that are known."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
MODULES = ("record", "growth", "tables")


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module
    for name in MODULES:
        sys.modules.pop(name, None)


def test_a_row_for_each_method_and_a_column_for_each_figure(load: Any, tmp_path: Path) -> None:
    record = load("record").Record
    records = [
        record(
            name=f"{method}/{figure}",
            value=value,
            unit=unit,
            higher_is_better=unit == "",
            machine={"processor": "Chip", "cores": 2, "system": "Linux"},
        )
        for method, figures in {
            "exact": {"recall@500": 1.0, "p50": 41.5, "NDCG@20": 0.9},
            "annoy (100 trees)": {"recall@500": 0.5, "p50": 60.0},
        }.items()
        for figure, value in figures.items()
        for unit in ("ms" if figure == "p50" else "",)
    ]
    load("record").write(tmp_path / "speed-candidates.json", records)
    text = "<!-- bench:speed-candidates -->\n<!-- /bench -->\n"
    lines = load("tables").rendered(text, tmp_path).splitlines()
    assert lines[1:5] == [
        "| method | recall@500 | p50, ms | NDCG@20 |",
        "|---|---:|---:|---:|",
        "| exact | 1 | 41.5 | 0.9 |",
        "| annoy (100 trees) | 0.5 | 60 |  |",
    ]
    assert "Measured on Chip" in lines[6]


def test_some_records_of_several_files(load: Any, tmp_path: Path, monkeypatch: Any) -> None:
    tables, record = load("tables"), load("record").Record
    machine = {"processor": "Chip", "cores": 2, "system": "Linux"}
    for file, name in (("fast", "a/p50"), ("fast", "a/p99"), ("right", "b/recall")):
        found = tmp_path / f"{file}.json"
        before = load("record").read(found) if found.is_file() else []
        one = record(name=name, value=2.0, unit="ms", higher_is_better=False, machine=machine)
        load("record").write(found, [*before, one])
    chosen = (("right", "b/recall"), ("fast", "a/p99"))
    monkeypatch.setattr(tables, "CHOSEN", {"both": chosen, "gone": (("fast", "a/p95"),)})
    lines = tables.rendered("<!-- bench:both -->\n<!-- /bench -->\n", tmp_path).splitlines()
    assert [line.split(" | ")[0] for line in lines[3:5]] == ["| b/recall", "| a/p99"]
    with pytest.raises(ValueError, match="no record 'a/p95' in fast"):
        tables.rendered("<!-- bench:gone -->\n<!-- /bench -->\n", tmp_path)

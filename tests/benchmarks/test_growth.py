"""The growth table and picture from records that are known."""

from __future__ import annotations

import dataclasses
import importlib
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
MODULES = ("record", "peers", "harness", "growth", "tables", "factorisation_growth")
SIZES = (100_000, 1_000_000, 10_000_000)
ROWS = "speed-factorisation_growth"
ITEMS = "speed-index_growth"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(BENCHMARKS / "speed"))
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def records(load: Any) -> list[Any]:
    record = load("record").Record
    found = []
    for name, unit, each in (("als fit", "s", 1e-5), ("als memory", "MiB", 1e-3)):
        found += [
            record(
                name=f"{name}/{n:,} rows",
                value=each * n,
                unit=unit,
                higher_is_better=False,
                machine={"processor": "Chip", "cores": 2, "system": "Linux"},
            )
            for n in SIZES
        ]
        found.append(
            dataclasses.replace(found[0], name=f"{name}/exponent", value=1.0, unit="", target=1.15)
        )
    return found


def test_a_row_for_each_number_of_rows(load: Any, records: list[Any]) -> None:
    assert load("growth").table(records) == [
        "| rows | als fit, s | als memory, MiB |",
        "|---:|---:|---:|",
        "| 100,000 | 1 | 100 |",
        "| 1,000,000 | 10 | 1,000 |",
        "| 10,000,000 | 100 | 10,000 |",
        "| *exponent* | 1.00 | 1.00 |",
    ]


def test_an_exponent_that_is_missed_says_so(load: Any, records: list[Any]) -> None:
    records[3] = dataclasses.replace(records[3], value=1.2)
    assert load("growth").table(records)[-1] == "| *exponent* | 1.20 **missed** | 1.00 |"


def test_the_picture_puts_a_power_of_ten_where_its_line_is(load: Any, records: list[Any]) -> None:
    growth = load("growth")
    drawn = ElementTree.fromstring(growth.picture(records, growth.GROWTHS[ROWS]))
    name = "{http://www.w3.org/2000/svg}"
    seconds, memory = drawn.findall(f"{name}g")
    for panel in (seconds, memory):
        (line,) = panel.findall(f"{name}polyline")
        points = [tuple(map(float, at.split(","))) for at in line.get("points", "").split()]
        # Values are proportional to rows, three powers of ten from corner to corner.
        left, right = growth.LEFT, growth.WIDTH - growth.RIGHT
        top, bottom = growth.TOP, growth.HEIGHT - growth.BOTTOM
        middle = ((left + right) / 2, (top + bottom) / 2)
        assert points == [(left, bottom), middle, (right, top)]
    assert "als" in [text.text for text in memory.findall(f"{name}text")]


@pytest.fixture
def of_index(load: Any, records: list[Any]) -> list[Any]:
    """What the growth of an index is made of: three units, and a figure without one."""
    found = []
    for name, unit, value in (
        ("build", "s", 2.0),
        ("search p50", "ms", 0.5),
        ("search p99", "ms", 0.7),
        ("index memory", "MiB", 40.0),
        ("recall@500", "", 0.99),
    ):
        found += [
            dataclasses.replace(records[0], name=f"{name}/{n:,} items", value=value, unit=unit)
            for n in SIZES
        ]
    return found


def test_items_are_called_items_and_recall_has_no_unit(load: Any, of_index: list[Any]) -> None:
    assert load("growth").table(of_index) == [
        "| items | build, s | search p50, ms | search p99, ms | index memory, MiB | recall@500 |",
        "|---:|---:|---:|---:|---:|---:|",
        *(f"| {n:,} | 2 | 0.5 | 0.7 | 40 | 0.99 |" for n in SIZES),
        "| *exponent* |  |  |  |  |  |",
    ]


def test_the_index_has_a_panel_for_each_unit_and_recall_none(
    load: Any, of_index: list[Any]
) -> None:
    growth = load("growth")
    drawn = ElementTree.fromstring(growth.picture(of_index, growth.GROWTHS[ITEMS]))
    name = "{http://www.w3.org/2000/svg}"
    assert [len(panel.findall(f"{name}polyline")) for panel in drawn.findall(f"{name}g")] == [
        2,
        1,
        1,
    ]
    assert drawn.get("width") == str(3 * growth.WIDTH)
    texts = [text.text for text in drawn.iter(f"{name}text")]
    assert {"search p50", "search p99", "build", "index"} < set(texts)
    assert "recall@500" not in texts


def test_each_growth_has_a_picture_beside_its_page(
    load: Any, records: list[Any], of_index: list[Any], tmp_path: Path
) -> None:
    tables, growth = load("tables"), load("growth")
    (tmp_path / "docs").mkdir()
    results = tmp_path / "results"
    pages = []
    for kind, found, page in ((ITEMS, of_index, "index.md"), (ROWS, records, "speed.md")):
        load("record").write(results / f"{kind}.json", found)
        pages.append(tmp_path / "docs" / page)
        pages[-1].write_text(f"<!-- bench:{kind} -->\n<!-- /bench -->\n")
    (tmp_path / "README.md").write_text("no figures\n")
    pictures = [tmp_path / "docs" / name for name in ("growth.svg", "index-growth.svg")]
    assert sorted(tables.update(tmp_path, results)) == sorted([*pages, *pictures])
    assert pictures[0].read_text() == growth.picture(records, growth.GROWTHS[ROWS])
    assert pictures[1].read_text() == growth.picture(of_index, growth.GROWTHS[ITEMS])
    assert "| 100,000 | 1 | 100 |" in pages[1].read_text()
    assert tables.stale(tmp_path, results) == []
    several = "<!-- bench:speed -->\n<!-- /bench -->\n"  # all of speed, but for these
    assert "No figures were accepted" in tables.rendered(several, results)
    pictures[0].write_text("old")
    assert tables.stale(tmp_path, results) == [pictures[0]]


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_is_the_power_of_the_rows(load: Any, power: float) -> None:
    exponent = load("factorisation_growth").exponent
    values = {n: 3.0 * n**power for n in (100_000, 1_000_000, 3_000_000, 20_000_000)}
    assert math.isclose(exponent(values), power, rel_tol=1e-6)

"""The benchmark harness: records, sides in turn, tables in pages, without any peer."""

from __future__ import annotations

import dataclasses
import importlib
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("record", "peers", "harness", "tables")


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`module("record")`: a module of `benchmarks`, gone again afterwards."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    yield load
    for name in MODULES:
        sys.modules.pop(name, None)


def record_of(module: Any, **changes: Any) -> Any:
    fields = {"name": "a/b", "value": 2.0, "unit": "s", "higher_is_better": False}
    return module("record").Record(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "met"),
    [
        ({}, None),
        ({"target": 2.0}, True),
        ({"target": 1.9}, False),
        ({"target": 1.9, "higher_is_better": True}, True),
        ({"target": 2.1, "higher_is_better": True}, False),
        ({"target": 6.0, "target_is": "ratio", "ratio": 6.0}, True),
        ({"target": 6.0, "target_is": "ratio", "ratio": 5.9}, False),
        ({"target": 6.0, "target_is": "ratio", "ratio": math.nan}, False),
        ({"target": 6.0, "target_is": "ratio"}, False),
        ({"target": 6.0, "value": math.nan}, False),
    ],
)
def test_a_target_is_met_or_not(module: Any, changes: dict[str, Any], met: bool | None) -> None:
    assert record_of(module, **changes).met is met


def test_a_ratio_above_one_is_better_whatever_the_direction(module: Any) -> None:
    ratio_of = module("record").ratio_of
    assert ratio_of(2.0, 10.0, higher_is_better=False) == 5.0
    assert ratio_of(10.0, 2.0, higher_is_better=True) == 5.0
    assert math.isnan(ratio_of(0.0, 1.0, higher_is_better=False))


def test_records_come_back_as_they_were_written(module: Any, tmp_path: Path) -> None:
    records = [record_of(module), record_of(module, name="c", target=1.0, machine={"cores": 2})]
    module("record").write(tmp_path / "deep" / "r.json", records)
    assert module("record").read(tmp_path / "deep" / "r.json") == records


def test_nan_is_not_kept(module: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        module("record").write(tmp_path / "r.json", [record_of(module, value=math.nan)])


@pytest.fixture
def sides(module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two scripts that note that they ran, in our own Python."""
    harness = module("harness")
    monkeypatch.setattr(harness, "SIDES", tmp_path)
    for name in ("ours", "theirs"):
        (tmp_path / f"{name}.py").write_text(
            "import json, sys, pathlib\n"
            "log = pathlib.Path(sys.argv[1]) / 'log'\n"
            f"log.open('a').write('{name} ')\n"
            "seconds = len(log.read_text().split())\n"
            "pathlib.Path(sys.argv[2]).write_text(json.dumps({'seconds': seconds}))\n"
        )
    return {name: harness.Side(f"{name}.py") for name in ("ours", "theirs")}


def test_sides_run_in_turn_and_medians_are_compared(
    module: Any, sides: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "records.json"
    bench = module("harness").Bench("x", "title", arguments=["--runs", "3", "--json", str(output)])
    runs = bench.in_turn(sides, tmp_path)
    assert (tmp_path / "log").read_text() == "ours theirs ours theirs ours theirs "
    ours, theirs = ([run["seconds"] for run in runs[name]] for name in ("ours", "theirs"))
    peer = module("peers").Peer("thing", "1.0", ())
    bench.compare("time", ours, theirs, peer=peer, unit="s", target=1.2)
    bench.add("figure", 0.5, higher_is_better=True, interval=(0.4, 0.6))
    bench.finish()
    time, figure = module("record").read(output)
    assert (time.value, time.peer_value, time.low, time.high) == (3, 4, 1, 5)
    assert time.ratio == pytest.approx(4 / 3)
    assert time.met is True
    assert time.peer == "thing 1.0"
    assert (figure.low, figure.high, figure.spread) == (0.4, 0.6, "interval")
    assert figure.versions["palate"]
    assert figure.machine["cores"] >= 1
    assert set(json.loads(output.read_text())[0]) >= {
        "name", "value", "unit", "higher_is_better", "target", "target_is", "peer", "peer_value",
        "ratio", "versions", "machine", "seconds",
    }  # fmt: skip
    assert "1.3x" in capsys.readouterr().out


def test_one_name_is_one_figure(module: Any) -> None:
    bench = module("harness").Bench("x", "title", arguments=[])
    bench.add("figure", 0.5, higher_is_better=True)
    with pytest.raises(ValueError, match="two records are called 'figure'"):
        bench.add("figure", 0.6, higher_is_better=True)


def test_a_side_that_fails_says_why(module: Any, sides: Any, tmp_path: Path) -> None:
    (tmp_path / "ours.py").write_text("raise RuntimeError('out of luck')")
    with pytest.raises(SystemExit, match="out of luck"):
        sides["ours"].run(tmp_path)


def test_without_data_the_message_says_what_to_set(
    module: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PALATE_DATA", raising=False)
    with pytest.raises(SystemExit, match="set PALATE_DATA to a folder with ml-1m"):
        module("harness").data_folder("ml-1m")
    monkeypatch.setenv("PALATE_DATA", str(tmp_path))
    with pytest.raises(SystemExit, match="lacks ml-1m"):
        module("harness").data_folder("ml-1m")


@pytest.fixture
def results(module: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    machine = {"processor": "Chip", "cores": 2, "system": "Linux"}
    versions = {"python": "3.11", "peer numpy": "1.26"}
    speed = record_of(
        module,
        name="sar/time",
        peer="thing 1.0",
        peer_value=14.0,
        ratio=7.0,
        target=6.0,
        target_is="ratio",
        machine=machine,
        versions=versions,
    )
    module("record").write(folder / "speed.json", [speed, dataclasses.replace(speed, name="other")])
    return folder


def page(name: str, body: str = "") -> str:
    return f"before\n<!-- bench:{name} -->\n{body}<!-- /bench -->\nafter\n"


def test_a_table_is_written_between_its_markers_and_nowhere_else(
    module: Any, results: Path
) -> None:
    text = module("tables").rendered(page("speed/sar", "old\n"), results)
    assert text.startswith("before\n<!-- bench:speed/sar -->\n| figure |")
    assert text.endswith("<!-- /bench -->\nafter\n")
    assert "| sar/time | 2 s |  | 14 s | 7.0x | ≥ 6x, met |" in text
    assert "Chip, 2 cores, Linux; python 3.11; the peer with numpy 1.26" in text
    assert "old" not in text
    assert "other" not in text
    assert module("tables").rendered(text, results) == text


def test_stale_pages_are_found_and_mended(module: Any, results: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(page("speed"))
    (tmp_path / "docs" / "plain.md").write_text("no figures here\n")
    tables = module("tables")
    assert tables.stale(tmp_path, results) == [tmp_path / "README.md"]
    assert tables.update(tmp_path, results) == [tmp_path / "README.md"]
    assert tables.stale(tmp_path, results) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (page("speed/none"), "needs a record none"),
        ("<!-- bench:speed -->\n", "has no <!-- /bench -->"),
        ("<!-- bench:speed -->\n" + page("speed"), "has no <!-- /bench -->"),
    ],
)
def test_a_block_that_cannot_be_written_is_an_error(
    module: Any, results: Path, text: str, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        module("tables").rendered(text, results)


def test_what_was_never_accepted_says_so(module: Any, results: Path) -> None:
    assert "No figures were accepted yet" in module("tables").rendered(page("never"), results)


@pytest.mark.parametrize(
    ("changes", "steady"),
    [
        ({}, True),
        ({"spread": "range", "low": 1.0, "high": 1.5}, True),
        ({"spread": "range", "low": 1.0, "high": 1.6}, False),
        ({"spread": "range", "low": 1.0, "high": 1.1, "peer_low": 1.0, "peer_high": 2.0}, False),
        ({"spread": "interval", "low": 0.1, "high": 0.9}, True),
    ],
)
@pytest.mark.parametrize("target", [0.1, 100.0])
def test_runs_that_disagree_are_not_steady_whatever_the_outcome(
    module: Any, changes: dict[str, Any], steady: bool, target: float
) -> None:
    assert record_of(module, target=target, **changes).steady is steady


def test_the_leaderboard_orders_models_by_quality(module: Any, tmp_path: Path) -> None:
    machine = {"processor": "Chip", "cores": 2, "system": "Linux"}
    figures = ("ndcg@10", "map@10", "precision@10", "recall@10", "catalogue coverage", "fit")
    records = [
        record_of(
            module,
            name=f"set/leaderboard/{model}/{figure}",
            value=value,
            low=0.1,
            high=0.9,
            machine=machine,
        )
        for model, value in (("worse", 0.25), ("better", 0.5))
        for figure in (*figures, "recommend")
    ]
    module("record").write(tmp_path / "accuracy-movielens.json", records)
    text = module("tables").rendered(page("leaderboard/set"), tmp_path)
    assert "| better | 0.5000 | 0.1000 to 0.9000 |" in text
    assert text.index("| better |") < text.index("| worse |")


def test_the_pages_of_this_repository_are_current(module: Any) -> None:
    assert module("tables").stale(ROOT, ROOT / "benchmarks" / "results") == []


def test_of_a_tail_the_median_and_the_worst_run_are_kept_apart(module: Any) -> None:
    bench = module("harness").Bench("x", "X", arguments=["--runs", "3"])
    bench.add_tail("a/p99", [9.0, 2.0, 4.0], unit="ms", target=5.0)
    tail, worst = bench.records
    assert (tail.name, tail.value, tail.met, tail.low) == ("a/p99", 4.0, True, None)
    assert (worst.name, worst.value, worst.met) == ("a/p99, worst of 3 runs", 9.0, None)
    assert tail.steady
    assert worst.steady


def test_of_one_run_there_is_no_worst(module: Any) -> None:
    bench = module("harness").Bench("x", "X", arguments=[])
    bench.add_tail("a/p99", [9.0], unit="ms")
    assert [record.name for record in bench.records] == ["a/p99"]

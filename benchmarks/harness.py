"""What every benchmark does: both sides in turn, medians, a table, records with their origin.

A script makes a `Bench`, measures, adds records, and ends with `finish`:

    bench = Bench("speed-sar", "SAR against recommenders")
    runs = bench.in_turn({"ours": Side(...), "peer": Side(...)}, folder)
    bench.compare("fit and recommend", ours=..., peer=..., unit="s", ...)
    bench.finish()

`python benchmarks/speed/sar.py --json FILE` prints the table and writes FILE.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, TypeVar

from rich.console import Console
from rich.table import Table

from palate.evaluate.environment import this_environment
from peers import Peer
from record import Record, number, ratio_of, write

__all__ = ["Bench", "Side", "data_folder", "timed"]

T = TypeVar("T")
SIDES = Path(__file__).resolve().parent / "sides"


@dataclass(frozen=True)
class Side:
    """A script that measures one side in a process of its own.

    It is called with the folder of inputs and the file to write its figures to, a JSON object.

    Attributes:
        script: In `benchmarks/sides`.
        peer: In whose environment it runs; None for ours.
        arguments: Further ones.
    """

    script: str
    peer: Peer | None = None
    arguments: tuple[str, ...] = ()

    def run(self, inputs: Path) -> dict[str, Any]:
        """The figures of one run."""
        python = Path(sys.executable) if self.peer is None else self.peer.python()
        with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
            output = Path(temporary) / "figures.json"
            command = [python, SIDES / self.script, inputs, output, *self.arguments]
            # Some libraries leave folders of logs wherever they are run.
            done = subprocess.run(
                command, check=False, capture_output=True, text=True, cwd=temporary
            )
            if done.returncode:
                raise SystemExit(f"{self.script} failed:\n{done.stderr[-4000:]}")
            figures: dict[str, Any] = json.loads(output.read_text())
        return figures


class Bench:
    """One benchmark script's run.

    Args:
        name: Of its file under `benchmarks/results`.
        title: Above the table.
        runs: How often each side is measured.
        arguments: Given, for tests; else the command line's.
    """

    def __init__(
        self, name: str, title: str, *, runs: int = 5, arguments: Sequence[str] | None = None
    ) -> None:
        parser = argparse.ArgumentParser(description=title)
        parser.add_argument("--json", type=Path, help="write the records to this file")
        parser.add_argument("--runs", type=int, default=runs, help="measurements of each side")
        self._options = parser.parse_args(arguments)
        self.name, self.title = name, title
        self.runs: int = self._options.runs
        self.records: list[Record] = []
        self._versions: dict[str, str] = {}
        self._start = time.perf_counter()

    def in_turn(self, sides: Mapping[str, Side], inputs: Path) -> dict[str, list[dict[str, Any]]]:
        """Run each side `runs` times, ours, peer, ours, peer: what disturbs one disturbs both."""
        for side in sides.values():
            if side.peer is not None:
                self._versions |= side.peer.versions()
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
        for number_ in range(self.runs):
            for name, side in sides.items():
                print(f"{self.name}: {name}, run {number_ + 1} of {self.runs}", file=sys.stderr)
                found[name].append(side.run(inputs))
        return found

    def add(
        self,
        name: str,
        value: float | Sequence[float],
        *,
        unit: str = "",
        higher_is_better: bool,
        target: float | None = None,
        interval: tuple[float, float] | None = None,
        peer: tuple[Peer, float] | None = None,
    ) -> None:
        """Record a figure of ours; of several runs the median, with their range.

        `target` is asked of the value; `peer` is what another library gives.
        """
        values = list(value) if isinstance(value, Sequence) else [value]
        ends = interval if interval is not None else (min(values), max(values))
        spread: Literal["interval", "range"] = "range" if interval is None else "interval"
        several = interval is not None or len(values) > 1
        self._keep(
            Record(
                name=name,
                value=statistics.median(values),
                unit=unit,
                higher_is_better=higher_is_better,
                target=target,
                peer=None if peer is None else peer[0].label,
                peer_value=None if peer is None else peer[1],
                low=ends[0] if several else None,
                high=ends[1] if several else None,
                spread=spread if several else None,
            )
        )

    def add_tail(
        self, name: str, values: Sequence[float], *, unit: str, target: float | None = None
    ) -> None:
        """Record a high percentile of several runs: the median of them, and apart the worst.

        Tails differ from run to run on a quiet machine too, so that their range says nothing of
        how quiet it was.
        """
        self.add(name, statistics.median(values), unit=unit, higher_is_better=False, target=target)
        if len(values) > 1:
            worst = f"{name}, worst of {len(values)} runs"
            self.add(worst, max(values), unit=unit, higher_is_better=False)

    def compare(
        self,
        name: str,
        ours: Sequence[float],
        theirs: Sequence[float],
        *,
        peer: Peer,
        unit: str,
        higher_is_better: bool = False,
        target: float | None = None,
    ) -> None:
        """Record medians of both sides and their ratio; `target` is asked of the ratio."""
        value, peer_value = statistics.median(ours), statistics.median(theirs)
        self._keep(
            Record(
                name=name,
                value=value,
                unit=unit,
                higher_is_better=higher_is_better,
                target=target,
                target_is="ratio",
                peer=peer.label,
                peer_value=peer_value,
                ratio=ratio_of(value, peer_value, higher_is_better=higher_is_better),
                low=min(ours),
                high=max(ours),
                spread="range",
                peer_low=min(theirs),
                peer_high=max(theirs),
            )
        )

    def finish(self) -> None:
        """Print the table and write the records."""
        origin = {
            "versions": self._versions | _versions(),
            "machine": _machine(),
            "seconds": round(time.perf_counter() - self._start, 1),
        }
        finished = [Record(**{**vars(record), **origin}) for record in self.records]
        Console(width=None if sys.stdout.isatty() else 120).print(_table(self.title, finished))
        if self._options.json is not None:
            write(self._options.json, finished)

    def _keep(self, record: Record) -> None:
        if any(kept.name == record.name for kept in self.records):
            raise ValueError(f"two records are called {record.name!r}")
        self.records.append(record)


def timed(what: str, work: Callable[[], T]) -> T:
    """What `work` gives; how long that took is told to whoever waits, and is no figure."""
    start = time.perf_counter()
    found = work()
    print(f"{what} in {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    return found


def data_folder(*needed: str) -> Path:
    """The folder of public data sets that PALATE_DATA names, with `needed` in it."""
    said = os.environ.get("PALATE_DATA")
    if said is None:
        raise SystemExit(
            "this benchmark needs public data sets: set PALATE_DATA to a folder with "
            f"{', '.join(needed) or 'them'}"
        )
    folder = Path(said).resolve()
    missing = [name for name in needed if not (folder / name).exists()]
    if missing:
        raise SystemExit(f"PALATE_DATA={said} lacks {', '.join(missing)}")
    return folder


def _table(title: str, records: Sequence[Record]) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in ("figure", "ours", "low to high", "peer", "ratio", "target", "met"):
        table.add_column(heading, justify="left" if heading == "figure" else "right")
    for r in records:
        unit = f" {r.unit}" if r.unit else ""
        table.add_row(
            r.name,
            f"{number(r.value)}{unit}",
            "" if r.low is None or r.high is None else f"{number(r.low)} to {number(r.high)}",
            "" if r.peer_value is None else f"{number(r.peer_value)}{unit}",
            "" if r.ratio is None else f"{r.ratio:.1f}x",
            "" if r.target is None else number(r.target) + ("x" if r.target_is == "ratio" else ""),
            {None: "", True: "yes", False: "NO"}[r.met],
        )
    return table


def _versions() -> dict[str, str]:
    packages = ("palate", "numpy", "scipy", "numba", "polars")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def _machine() -> dict[str, Any]:
    found = this_environment()
    return {"system": found.system, "processor": found.processor, "cores": found.cores}

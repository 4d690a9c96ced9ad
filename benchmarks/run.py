"""Run the benchmarks one after another, compare with what was accepted, accept on request."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from record import Record, number, read
from tables import RESULTS, ROOT, update

HERE = Path(__file__).resolve().parent
SUITE = (
    "accuracy/movielens.py",
    "accuracy/factorisation.py",
    "accuracy/columns.py",
    "speed/sar.py",
    "speed/metrics.py",
    "speed/log.py",
    "serving/load.py",
    "serving/freshness.py",
    "serving/events.py",
    "speed/profiles.py",
    "speed/pipeline.py",
    "fuzz.py",
)  # under 30 minutes
LONG: tuple[str, ...] = (
    "accuracy/neighbours.py",
    "accuracy/checkins.py",
    "accuracy/sessions.py",
    "accuracy/rbm.py",
    "accuracy/realtime_continue.py",
    "accuracy/clicks.py",
    "accuracy/deep_clicks.py",
    "accuracy/sequences.py",
    "accuracy/news.py",
    "speed/als.py",
    "speed/svd.py",
    "speed/bpr.py",
    "speed/top_k.py",
    "speed/factorisation_growth.py",
    "speed/privacy.py",
    "speed/training.py",
    "speed/click_scoring.py",
    "speed/attention_scoring.py",
    "accuracy/realtime.py",
    "accuracy/realtime_ablation.py",
    "speed/realtime_training.py",
    "speed/vector_index.py",
    "speed/vector_index_trained.py",
    "speed/candidates.py",
    "speed/candidates_trained.py",
    "speed/index_growth.py",
    "serving/live_catalogue.py",
    "serving/realtime.py",
    "soak.py",
)  # with --full
MOST_S = 1800


def main() -> None:
    options = _options()
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        new = Path(temporary)
        for script in options.only or (*SUITE, *(LONG if options.full else ())):
            if not _ran(script, new):
                failed.append(script)
        found = {path.name: read(path) for path in sorted(new.glob("*.json"))}
        _summary(found)
        if options.accept:
            failed += _accept(new, found)
    missed = [r.name for records in found.values() for r in records if r.met is False]
    if failed or missed:
        raise SystemExit(
            "; ".join([*(f"{s} failed" for s in failed), *(f"{m} missed" for m in missed)])
        )


def _accept(new: Path, found: dict[str, list[Record]]) -> list[str]:
    """Keep what was measured on a quiet machine, met or missed; the files that were not."""
    noisy = []
    for name, records in found.items():
        if all(record.steady for record in records):
            (RESULTS / name).write_bytes((new / name).read_bytes())
        else:
            noisy.append(f"{name} (too noisy to accept: measure on a quiet machine)")
    for page in update(ROOT, RESULTS):
        print(f"written: {page.relative_to(ROOT)}", file=sys.stderr)
    return noisy


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="benchmarks against peers")
    parser.add_argument("--full", action="store_true", help="also those that take hours")
    parser.add_argument("--accept", action="store_true", help="keep the records, write the tables")
    parser.add_argument("--only", nargs="+", metavar="SCRIPT", help="such as speed/sar.py")
    return parser.parse_args()


def _ran(script: str, folder: Path) -> bool:
    """Run a script; its records come to `folder`, under the name of its path."""
    print(f"== {script}", file=sys.stderr, flush=True)
    output = folder / f"{script.removesuffix('.py').replace('/', '-')}.json"
    command = [sys.executable, HERE / script, "--json", output]
    try:
        return subprocess.run(command, check=False, timeout=MOST_S).returncode == 0
    except subprocess.TimeoutExpired:
        print(f"{script} took more than {MOST_S} s", file=sys.stderr)
        return False


def _summary(found: dict[str, list[Record]]) -> None:
    """Figures with a target, beside those that were accepted last."""
    table = Table(title="targets", title_justify="left")
    for heading in ("figure", "now", "accepted", "target", "met"):
        table.add_column(heading, justify="left" if heading == "figure" else "right")
    for file, records in found.items():
        accepted = {r.name: r for r in read(RESULTS / file)} if (RESULTS / file).is_file() else {}
        for r in records:
            if r.target is not None:
                before = accepted.get(r.name)
                met = "yes" if r.met else "NO"
                table.add_row(
                    r.name, _said(r), "" if before is None else _said(before), _asked(r), met
                )
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def _said(record: Record) -> str:
    if record.target_is == "ratio" and record.ratio is not None:
        return f"{record.ratio:.1f}x"
    return f"{number(record.value)} {record.unit}".strip()


def _asked(record: Record) -> str:
    return number(record.target or 0.0) + ("x" if record.target_is == "ratio" else "")


main()

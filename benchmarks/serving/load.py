"""`POST /v1/recommendations` under load: requests a second, and latency at a fixed rate."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench
from palate.serve.background import BackgroundService
from serving.world import USERS, build_home

HERE = Path(__file__).resolve().parent
MODEL = "sar"
WORKERS = 2
CONNECTIONS = 32
K = 10
RATE = 1500.0
SECONDS = 10.0
WARM_S = 2.0


def generate(url: str, rate: float, seed: int, folder: Path) -> dict[str, float]:
    """One run of the generator in a process of its own."""
    plan = {
        "url": url,
        "connections": CONNECTIONS,
        "k": K,
        "users": USERS,
        "rate": rate,
        "seconds": SECONDS,
        "warm_s": WARM_S,
        "seed": seed,
    }
    (folder / "plan.json").write_text(json.dumps(plan))
    command: list[Any] = [sys.executable, HERE / "generator.py", folder / "plan.json"]
    subprocess.run([*command, folder / "figures.json"], check=True)
    figures: dict[str, float] = json.loads((folder / "figures.json").read_text())
    if figures["failed"]:
        raise SystemExit(f"{figures['failed']:.0f} requests failed")
    print(f"rate {rate:.0f}: {figures}", file=sys.stderr)
    return figures


def main() -> None:
    bench = Bench(
        "serving-load",
        f"{MODEL} on MovieLens 100K, {WORKERS} workers, k={K}, {CONNECTIONS} connections",
    )
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        folder = Path(temporary)
        settings = build_home(folder / "home", MODEL, WORKERS)
        with BackgroundService(settings, log=folder / "service.log") as service:
            seeds = range(bench.runs)
            closed = [generate(service.url, 0.0, seed, folder) for seed in seeds]
            opened = [generate(service.url, RATE, seed, folder) for seed in seeds]
    bench.add(
        "serving/closed loop",
        [run["per_second"] for run in closed],
        unit="1/s",
        higher_is_better=True,
        target=3000.0,
    )
    bench.add(
        f"serving/p50 at {RATE:.0f} a second",
        [run["p50_ms"] for run in opened],
        unit="ms",
        higher_is_better=False,
    )
    bench.add(
        f"serving/p99 at {RATE:.0f} a second",
        [run["p99_ms"] for run in opened],
        unit="ms",
        higher_is_better=False,
        target=10.0,
    )
    bench.finish()


if __name__ == "__main__":
    main()

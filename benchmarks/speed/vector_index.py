"""The index in this process against annoy and faiss: top 500 of 2 million x 64, one thread.

Ours runs with its defaults, and chose by itself how much it scans; of each peer it is the least
setting that reaches recall 0.98 on the very queries that are timed.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench, Side
from index_vectors import ANNOY, FAISS, Catalogue, clustered, export, given

N = 2_000_000
RECALL = 0.98
TREES = 100
SETTINGS = {"recall": RECALL, "trees": TREES}


def main() -> None:
    bench = Bench("speed-vector-index", "Nearest 500, one thread", runs=1)
    measure(bench, "2 million clustered", clustered(N), held_to=True)
    trained = given()
    if trained is not None:
        measure(bench, f"{len(trained.vectors):,} trained", trained, held_to=False)
    bench.finish()


def measure(bench: Bench, what: str, catalogue: Catalogue, *, held_to: bool) -> None:
    """Ours, annoy and faiss over a catalogue; `held_to` the targets, with changes."""
    said = (json.dumps(SETTINGS | {"changes": held_to}),)
    sides = {
        "ours": Side("index_palate.py", arguments=said),
        "annoy": Side("index_annoy.py", ANNOY, said),
        "faiss": Side("index_faiss.py", FAISS, said),
    }
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        export(catalogue, Path(temporary))
        del catalogue
        runs = bench.in_turn(sides, Path(temporary))
    ours = runs["ours"]

    def add(
        figure: str, key: str, unit: str, target: float | None, *, higher: bool = False
    ) -> None:
        values = [one for run in ours for one in _listed(run[key])]
        bench.add(
            f"{what}/{figure}",
            values,
            unit=unit,
            higher_is_better=higher,
            target=target if held_to else None,
        )

    add("recall@500", "recall", "", RECALL, higher=True)
    add("p50", "p50_ms", "ms", 1.2)
    p99 = [one for run in ours for one in _listed(run["p99_ms"])]
    bench.add_tail(f"{what}/p99", p99, unit="ms")
    add("build", "build_s", "s", 40)
    add("memory without ids", "memory_mib", "MiB", 700e6 / 2**20)
    for peer, package in (("annoy", ANNOY), ("faiss", FAISS)):
        theirs = runs[peer]
        for figure, key, unit in (
            ("p50", "p50_ms", "ms"), ("build", "build_s", "s"), ("memory", "memory_mib", "MiB"),
        ):  # fmt: skip
            bench.compare(
                f"{what}/{figure} against {peer}",
                [one for run in ours for one in _listed(run[key])],
                [one for run in theirs for one in _listed(run[key])],
                peer=package,
                unit=unit,
                target=20 if held_to and (peer, figure) == ("annoy", "p50") else None,
            )
        bench.compare(
            f"{what}/recall@500 against {peer}",
            [run["recall"] for run in ours],
            [run["recall"] for run in theirs],
            peer=package,
            unit="",
            higher_is_better=True,
        )
    if held_to:
        add("upserts in batches", "upserts_a_s", "1/s", 100_000, higher=True)
        add("deletes in batches", "deletes_a_s", "1/s", 100_000, higher=True)
        add("one upsert, p50", "single_p50_ms", "ms", None)
        add("one upsert, p99", "single_p99_ms", "ms", 1.0)
        lost = [run["recall_before"] - run["recall_after"] for run in ours]
        bench.add(
            f"{what}/recall lost with a tenth replaced", lost, higher_is_better=False, target=0.01
        )
        add("snapshot written", "write_s", "s", None)
        add("snapshot opened", "open_ms", "ms", 100)
        add("own memory of an opened snapshot", "open_own_mib", "MiB", None)


def _listed(value: float | list[float]) -> list[float]:
    return value if isinstance(value, list) else [value]


if __name__ == "__main__":
    main()

"""Where 500 candidates of 2 million may come from: recall, latency, and what ranking makes of them.

A visitor is a vector and a taste: the true score of an item is their product and, on top, a part
that embeddings do not hold (the product of four hidden numbers of each). What is nearest by the
vectors is one thing; the other is NDCG@20 of the candidates after they were ranked by the true
score, against the best 20 of the whole catalogue. An attribute query asks for the three models
that the visitor took last, in the price range of the last.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench, Side
from index_vectors import ANNOY, Catalogue, clustered, export
from palate.types import Float32Array, Int64Array

N = 2_000_000
TOP = 20
RANGES = 8  # of prices
HIDDEN = 4  # numbers of an item that its embedding does not hold
WEIGHT = 0.02  # of their product: a score's standard deviation, on the scale of cosines
SETTINGS = {"recall": 0.98, "trees": 100, "found": True, "reuse": True}


def main() -> None:
    bench = Bench("speed-candidates", "500 candidates of 2 million, ranked by true scores", runs=1)
    catalogue = clustered(N)
    rng = np.random.default_rng(5)
    hidden = rng.standard_normal((N, HIDDEN), dtype=np.float32)
    tastes = WEIGHT / 2 * rng.standard_normal((len(catalogue.queries), HIDDEN), dtype=np.float32)
    parts = rng.integers(0, RANGES, N).astype(np.int8)
    methods = sources(bench, catalogue, parts)
    ndcg: dict[str, list[float]] = {name: [] for name in methods}
    for user in range(len(tastes)):
        gains = gains_of(catalogue.vectors @ catalogue.queries[user] + hidden @ tastes[user])
        ideal = ideal_of(gains)
        for name, found in methods.items():
            ndcg[name].append(ndcg_of(gains, ideally(gains, found["found"][user]), ideal))
    for name, found in methods.items():
        report(bench, name, found)
        bench.add(f"{name}/NDCG@20", float(np.mean(ndcg[name])), higher_is_better=True)
    bench.finish()


def sources(
    bench: Bench, catalogue: Catalogue, parts: NDArray[np.int8]
) -> dict[str, dict[str, Any]]:
    """What each method measures and finds; an attribute query asks for models as were taken.

    Args:
        bench: Runs the sides.
        catalogue: Its groups are the models of items; what visitors took are its bases.
        parts: (n,) the range of prices of each item.
    """
    liked = np.column_stack((catalogue.groups[catalogue.bases], parts[catalogue.bases[:, -1]]))
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        folder = Path(temporary)
        export(catalogue, folder)
        np.save(folder / "groups.npy", catalogue.groups)
        np.save(folder / "parts.npy", parts)
        np.save(folder / "liked.npy", liked.astype(np.int64))
        sides = {
            "ours": Side("index_candidates.py", arguments=("{}",)),
            "annoy": Side("index_annoy.py", ANNOY, (json.dumps(SETTINGS),)),
        }
        runs = bench.in_turn(sides, folder)
    found: dict[str, dict[str, Any]] = runs["ours"][0]
    return found | {f"{ANNOY.label} ({SETTINGS['trees']} trees)": runs["annoy"][0]}


def report(bench: Bench, name: str, found: dict[str, Any]) -> None:
    """Recall and latency of a method."""
    bench.add(f"{name}/recall@500", found["recall"], higher_is_better=True)
    bench.add(f"{name}/p50", found["p50_ms"], unit="ms", higher_is_better=False)
    p99 = float(np.median(found["p99_ms"]))  # of the passes; their p50 tell whether it was quiet
    bench.add(f"{name}/p99", p99, unit="ms", higher_is_better=False)


def gains_of(scores: Float32Array) -> Float32Array:
    """(n,) what each item is worth: its true score above that of the thousandth, or nothing."""
    floor = np.partition(scores, -1000)[-1000]
    return np.asarray(np.maximum(scores - floor, 0), np.float32)


def ideally(gains: Float32Array, rows: Sequence[int] | Int64Array) -> Int64Array:
    """Candidates in the order of an ideal ranker, best first."""
    found = np.asarray(rows, np.int64)
    return found[np.argsort(-gains[found], kind="stable")]


def ideal_of(gains: Float32Array) -> Float32Array:
    """(20,) gains of the best of all items, best first."""
    return np.sort(np.partition(gains, -TOP)[-TOP:])[::-1]


def ndcg_of(gains: Float32Array, ranked: Int64Array, ideal: Float32Array) -> float:
    """NDCG@20 of candidates, best first, against the best 20 of all items."""
    discounts = 1 / np.log2(np.arange(2, TOP + 2))
    shown = gains[ranked[:TOP]]
    return float((shown * discounts[: len(shown)]).sum() / (ideal * discounts).sum())


if __name__ == "__main__":
    main()

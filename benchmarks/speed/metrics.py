"""Precision, recall, NDCG and MAP of the same recommendations, against recommenders."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import polars as pl

from harness import Bench, Side
from inputs import export, stratified75
from palate import columns as c
from palate.data.split import Split
from palate.models.sar import SAR
from peers import RECOMMENDERS

K = 10
METRICS = ("precision", "recall", "ndcg", "map")
TARGET = 20.0
EQUAL = 1e-9


def export_answers(split: Split, folder: Path) -> None:
    """What one model recommends to every test user, as plain arrays."""
    users = split.test.interactions[c.USER_ID].unique(maintain_order=True).to_list()
    answers = SAR().fit(split.train).recommend(users, K)
    np.savez(
        folder / "answers.npz",
        user=answers[c.USER_ID].cast(pl.Int64).to_numpy(),
        item=answers[c.ITEM_ID].cast(pl.Int64).to_numpy(),
        score=answers[c.SCORE].to_numpy(),
    )


def main() -> None:
    bench = Bench("speed-metrics", "Precision, recall, NDCG and MAP at 10, MovieLens 1M's users")
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        inputs = Path(temporary)
        split = stratified75("ml-1m")
        export(split, inputs)
        export_answers(split, inputs)
        sides = {
            "ours": Side("metrics_palate.py"),
            "peer": Side("metrics_recommenders.py", RECOMMENDERS),
        }
        runs = bench.in_turn(sides, inputs)
    ours, peer = runs["ours"], runs["peer"]
    for kind in ("polars", "pandas"):
        bench.compare(
            f"metrics/ml-1m/four metrics from {kind}",
            [run[f"{kind}_s"] for run in ours],
            [run["seconds"] for run in peer],
            peer=RECOMMENDERS,
            unit="s",
            target=TARGET,
        )
    bench.add(
        "metrics/ml-1m/largest difference",
        max(abs(ours[0][name] - peer[0][name]) for name in METRICS),
        higher_is_better=False,
        target=EQUAL,
    )
    bench.finish()


main()

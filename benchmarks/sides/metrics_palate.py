"""Our side of the metrics benchmark: two tables in, four means out."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from palate.metrics.frames import ranking_metrics

K = 10
METRICS = ("precision", "recall", "ndcg", "map")
COLUMNS = {"user": "user_id", "item": "item_id"}


def columns(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return {COLUMNS.get(name, name): file[name] for name in file.files}


def timed(truth: Any, answers: Any) -> tuple[float, dict[str, float]]:
    start = time.perf_counter()
    found = ranking_metrics(truth, answers, k=K, metrics=METRICS)
    return time.perf_counter() - start, found


def main(inputs: Path, output: Path) -> None:
    test, answers = columns(inputs / "test.npz"), columns(inputs / "answers.npz")
    figures: dict[str, float] = {}
    for kind, frame in (("polars", pl.DataFrame), ("pandas", pd.DataFrame)):
        truth, said = frame(test), frame(answers)
        timed(truth.head(1000), said.head(1000))
        seconds, found = timed(truth, said)
        figures |= {f"{kind}_s": seconds, **found}
    output.write_text(json.dumps(figures))


main(Path(sys.argv[1]), Path(sys.argv[2]))

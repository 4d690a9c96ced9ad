"""Deep click models scored without torch beside their own torch nets, one thread each.

The nets have their starting weights: how long a row takes does not depend on what was learned.
Ours begins with the encoded rows; torch is given its tensors ready made.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ["NUMBA_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from typing import Any

import numpy as np
import torch

import frappe
from harness import Bench, data_folder
from palate.features.columns import Columns, Encoded
from palate.models.click_rows import Part
from palate.models.click_shape import Shape
from palate.models.dcn import DCN
from palate.models.deep_click import DeepClick
from palate.models.deepfm import DeepFM
from palate.models.nets.click_rows import ClickRows
from palate.models.wide_deep import WideDeep
from palate.models.xdeepfm import XDeepFM
from peers import Peer

TORCH = Peer("torch", torch.__version__, ())  # in our own environment
ROWS = (1, 4096)
CLOSE = 1e-4
AT_LEAST_S = 0.05  # of work between two looks at the clock
Model = DeepClick[Any]


def main() -> None:
    bench = Bench("speed-click-scoring", "Deep click models: numpy beside torch", runs=7)
    torch.set_num_threads(1)
    table = frappe.labelled(data_folder("frappe") / "frappe").head(max(ROWS))
    columns = Columns.fit(table, frappe.SPECS)
    for kind in (WideDeep, DeepFM, XDeepFM, DCN):
        for n in ROWS:
            model: Model = kind(frappe.SPECS)
            ours, theirs = seconds(model, columns, columns.encode(table.head(n)), bench.runs)
            name = f"{model.name}, {n} row{'s' if n > 1 else ''}"
            bench.compare(name, ours, theirs, peer=TORCH, unit="ms", target=1.0)
    bench.finish()


def seconds(
    model: Model, columns: Columns, rows: Encoded, runs: int
) -> tuple[list[float], list[float]]:
    """Milliseconds of both, in turn.

    Raises:
        SystemExit: They disagree by more than 1e-4.
    """
    net = model._net(Shape.of(rows, 0.0)).eval()
    with torch.no_grad():
        model._take(net.arrays(), columns)
        part = Part(rows, np.zeros(len(rows), np.float32), None)
        batch = ClickRows(part).batch(np.arange(len(rows)))
        apart = float(np.abs(model._raw(rows) - net(batch).answers.numpy()).max())
        if apart > CLOSE:
            raise SystemExit(f"{model.name}: numpy and torch are {apart} apart")
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(runs):
            ours.append(milliseconds(lambda: model._raw(rows)))
            theirs.append(milliseconds(lambda: net(batch)))
    return ours, theirs


def milliseconds(work: Any) -> float:
    """Of the processor, a call: another process on the machine does not count."""
    calls, start = 0, time.process_time()
    while (took := time.process_time() - start) < AT_LEAST_S:
        work()
        calls += 1
    return 1000 * took / calls


main()

"""One epoch of the real-time nets over a table in Parquet, in one thread."""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
os.environ["POLARS_MAX_THREADS"] = "1"

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from palate.models.nets.realtime import RealtimeNet, Sizes
from palate.models.nets.realtime_batches import parquet_batches
from palate.models.nets.realtime_loss import ItemTensors, JointLoss
from palate.models.realtime.config import RealtimeConfig
from palate.models.realtime.context import NAMES
from palate.models.realtime.examples import Examples
from palate.models.realtime.items import ItemRows
from palate.models.realtime.table import write_examples
from palate.train.loop import train

N_ITEMS, PROFILE, SLOTS, FEATURES, PART = 20_000, 300, 16, 2_000, 1 << 14


def parts(n, config):
    rng = np.random.default_rng(1)
    for start in range(0, n, PART):
        m = min(PART, n - start)
        yield Examples(
            item=rng.integers(N_ITEMS, size=m, dtype=np.int32),
            recent=rng.integers(N_ITEMS, size=(m, config.recent), dtype=np.int32),
            shown=np.empty((m, 0), np.int32),
            profile=rng.normal(size=(m, PROFILE)).astype(np.float32),
            context=rng.normal(size=(m, len(NAMES))).astype(np.float32),
            outcomes=rng.integers(2, size=(m, 3)).astype(np.float32),
        )


def items():
    rng = np.random.default_rng(2)
    return ItemRows(
        rng.integers(FEATURES, size=(N_ITEMS, SLOTS), dtype=np.int32),
        rng.random((N_ITEMS, SLOTS), np.float32),
        rng.normal(size=(N_ITEMS, 3)).astype(np.float32),
        np.arange(N_ITEMS, dtype=np.int32),
    )


STEPS = 1_000_000


def step_ns():
    """Of a plain loop: how fast this machine is at the moment."""
    begun, total = time.process_time_ns(), 0
    for step in range(STEPS):
        total += step
    return (time.process_time_ns() - begun) / STEPS


SETTINGS = {
    "default": {},
    "float32": {"precision": "float32"},
    "recent": {"precision": "float32", "recent_gradient": True},
}


def main(_, output, n, how):
    torch.set_num_threads(1)
    config = RealtimeConfig(epochs=1, **SETTINGS[how])
    sizes = Sizes(FEATURES, 3, N_ITEMS, PROFILE, len(NAMES), 3)
    with tempfile.TemporaryDirectory() as folder:
        paths = write_examples(parts(int(n), config), Path(folder))
        net = RealtimeNet(sizes, config)
        loss = JointLoss(ItemTensors(items()), np.ones(N_ITEMS), config)

        def run(some):
            batches = parquet_batches(some, N_ITEMS, config)
            train(net, loss, batches, config)

        run(paths[:1])  # imports and compiles
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start, cpu = time.perf_counter(), time.process_time()
        run(paths)
        figures = {
            "step_ns": step_ns(),
            "rows_per_s": int(n) / (time.perf_counter() - start),
            "rows_per_cpu_s": int(n) / (time.process_time() - cpu),
            "peak_mib": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
        }
    Path(output).write_text(json.dumps(figures))


main(*sys.argv[1:5])

"""What the sides of the index benchmarks share: recall and latency of a search, memory."""

import ctypes
import gc
import re
import time
from pathlib import Path

import numpy as np

PASSES = 3
PEAKS = 0.5, 0.99


def read(inputs):
    """Items (mapped, so that they count as nobody's memory), queries, their nearest."""
    items = np.load(inputs / "items.npy", mmap_mode="r")
    return items, np.load(inputs / "queries.npy"), np.load(inputs / "nearest.npy")


def alike(inputs):
    """Queries like those to come, where the benchmark has some apart from those it asks."""
    path = inputs / "alike.npy"
    return np.load(path) if path.is_file() else None


def measured(search, queries, nearest):
    """Recall, and the median and 99th percentile of milliseconds of each of some passes.

    `search` takes a query and gives rows.
    """
    recall = recall_of(search, queries, nearest)
    passes = []
    for _ in range(PASSES):
        took = []
        for query in queries:
            start = time.perf_counter()
            search(query)
            took.append(time.perf_counter() - start)
        passes.append([1e3 * float(np.quantile(took, peak)) for peak in PEAKS])
    return {
        "recall": recall,
        "p50_ms": [p50 for p50, _ in passes],
        "p99_ms": [p99 for _, p99 in passes],
    }


def recall_of(search, queries, nearest):
    """The share of the nearest that is found."""
    right = sum(
        len(np.intersect1d(np.asarray(search(query), np.int64), true))
        for query, true in zip(queries, nearest, strict=True)
    )
    return right / nearest.size


def first_at(target, choices, search_with, queries, nearest):
    """The figures of the first setting that reaches a recall; of the last if none does.

    `search_with` gives the search of a setting.
    """
    for choice in choices:
        setting = choice
        if recall_of(search_with(choice), queries, nearest) >= target:
            break
    return measured(search_with(setting), queries, nearest) | {"setting": setting}


def own_mib():
    """Memory of this process that is not a file's, in MiB, without what malloc keeps for later."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    text = Path("/proc/self/smaps_rollup").read_text()
    return int(re.search(r"Anonymous:\s+(\d+) kB", text)[1]) / 1024

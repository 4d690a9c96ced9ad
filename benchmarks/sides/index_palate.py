"""Our side of the index benchmarks: build, search, and on request what changes cost."""

import json
import sys
import time
from pathlib import Path

import numpy as np
from index_measures import alike, measured, own_mib, read

from palate.retrieval.index import LocalIndex
from palate.retrieval.index.files import read_index, write_index

BATCH = 10_000
SINGLE = 1_000
CHANGED = 200_000


def main(inputs, output, settings):
    said = json.loads(settings)
    items, queries, nearest = read(inputs)
    ids = [str(row) for row in range(len(items))]
    warm = LocalIndex.build(ids[:2000], items[:2000], n_lists=4)
    warm.delete(ids[:1])
    warm.search(queries[:1], nearest.shape[1])
    before = own_mib()
    start = time.perf_counter()
    cpu = time.process_time()
    index = LocalIndex.build(ids, items, queries=alike(inputs))
    figures = {"build_s": time.perf_counter() - start, "build_cpu_s": time.process_time() - cpu}
    figures["memory_mib"] = own_mib() - before - id_map_mib(index)
    figures["setting"] = index.reach.at(nearest.shape[1])
    figures |= searched(index, queries, nearest)
    if said.get("changes"):
        figures |= changes(index, ids, np.array(items), queries, nearest.shape[1])
        figures |= snapshots(index, output.parent)
    output.write_text(json.dumps(figures))


def id_map_mib(index):
    kept = index.names.kept()
    return (kept.heap.nbytes + 4 * index.lists.n_slots + kept.table.nbytes) / 2**20


def searched(index, queries, nearest):
    k = nearest.shape[1]
    return measured(
        lambda query: np.array(index.search(query[None], k)[0].ids, np.int64), queries, nearest
    )


def changes(index, ids, items, queries, k):
    """A tenth of the catalogue gets the vectors of other items, a little moved."""
    rng = np.random.default_rng(3)
    n = min(CHANGED, len(items) // 10)
    rows = rng.choice(len(items), n, replace=False)
    fresh = items[rng.integers(0, len(items), n)]
    fresh += rng.normal(scale=0.02, size=fresh.shape).astype(np.float32)
    fresh /= np.linalg.norm(fresh, axis=1, keepdims=True)
    before = searched_recall(index, items, queries, k)
    items[rows] = fresh
    names = [ids[row] for row in rows]
    upsert_s = timed(lambda at: index.upsert(names[at], fresh[at]), n)
    after = searched_recall(index, items, queries, k)
    single = []
    for place in range(SINGLE):
        start = time.perf_counter()
        index.upsert(names[place : place + 1], fresh[place : place + 1])
        single.append(time.perf_counter() - start)
    delete_s = timed(lambda at: index.delete(names[at]), n)
    return {
        "recall_before": before,
        "recall_after": after,
        "upserts_a_s": n / upsert_s,
        "deletes_a_s": n / delete_s,
        "single_p50_ms": 1e3 * float(np.quantile(single, 0.5)),
        "single_p99_ms": 1e3 * float(np.quantile(single, 0.99)),
    }


def timed(change, n):
    start = time.perf_counter()
    for place in range(0, n, BATCH):
        change(slice(place, place + BATCH))
    return time.perf_counter() - start


def searched_recall(index, items, queries, k):
    right = 0
    for query in queries:
        true = np.argpartition(-(items @ query), k)[:k]
        found = np.array(index.search(query[None], k)[0].ids, np.int64)
        right += len(np.intersect1d(found, true))
    return right / (k * len(queries))


def snapshots(index, folder):
    start = time.perf_counter()
    write_index(index, folder / "snapshot")
    written = time.perf_counter()
    before = own_mib()
    seconds, opened = [], []
    for _ in range(5):
        begun = time.perf_counter()
        opened.append(read_index(folder / "snapshot", verify=False))
        seconds.append(time.perf_counter() - begun)
    own = own_mib() - before
    return {
        "write_s": written - start,
        "open_ms": 1e3 * float(np.median(seconds)),
        "open_own_mib": own / len(opened),
    }


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])

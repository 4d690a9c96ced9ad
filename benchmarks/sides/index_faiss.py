"""faiss's side of the index benchmarks: an inverted file of float32 rows, as many lists as ours."""

import json
import sys
import time
from pathlib import Path

import faiss
import numpy as np
from index_measures import first_at, own_mib, read

PROBES = (16, 32, 48, 64, 96, 128, 160, 200, 250, 320, 400, 520, 700, 1000)
SAMPLE, ROUNDS = 64, 8  # as ours


def main(inputs, output, settings):
    said = json.loads(settings)
    items, queries, nearest = read(inputs)
    n, d = items.shape
    lists = said.get("lists") or n // 1000
    before = own_mib()
    start = time.perf_counter()
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(d), d, lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.niter = ROUNDS
    sample = np.random.default_rng(42).choice(n, min(n, SAMPLE * lists), replace=False)
    index.train(np.ascontiguousarray(items[np.sort(sample)]))
    for row in range(0, n, 100_000):
        index.add(np.ascontiguousarray(items[row : row + 100_000]))
    build_s = time.perf_counter() - start
    memory = own_mib() - before
    faiss.omp_set_num_threads(1)
    k = nearest.shape[1]

    def search(probes):
        def found(query):
            index.nprobe = probes
            return index.search(query[None], k)[1][0]

        return found

    figures = first_at(said["recall"], PROBES, search, queries, nearest)
    output.write_text(json.dumps(figures | {"build_s": build_s, "memory_mib": memory}))


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])

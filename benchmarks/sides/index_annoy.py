"""annoy's side of the index benchmarks; it looks at more nodes until its recall suffices."""

import json
import sys
import time
from pathlib import Path

from annoy import AnnoyIndex
from index_measures import first_at, measured, own_mib, read

LOOKED_AT = (5_000, 10_000, 20_000, 30_000, 45_000, 70_000, 100_000, 150_000, 250_000, 400_000)


def main(inputs, output, settings):
    said = json.loads(settings)
    items, queries, nearest = read(inputs)
    before = own_mib()
    start = time.perf_counter()
    index = AnnoyIndex(items.shape[1], "dot" if said.get("metric") == "dot" else "angular")
    index.set_seed(42)
    for row in range(len(items)):
        index.add_item(row, items[row])
    index.build(said["trees"], n_jobs=-1)
    build_s = time.perf_counter() - start
    memory = own_mib() - before
    k = nearest.shape[1]

    def search(looked_at):
        return lambda query: index.get_nns_by_vector(query, k, search_k=looked_at)

    figures = first_at(said["recall"], LOOKED_AT, lambda n: measured(search(n), queries, nearest))
    if said.get("found"):
        chosen = search(figures["setting"])
        figures["found"] = [list(chosen(query)) for query in queries]
    output.write_text(json.dumps(figures | {"build_s": build_s, "memory_mib": memory}))


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])

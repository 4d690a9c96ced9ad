"""annoy's side of the index benchmarks; it looks at more nodes until its recall suffices.

Its trees take minutes to build. Where PALATE_TREES names a folder they are left there, and a
benchmark that does not measure the building (`reuse`) takes those of the same items.
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path

from annoy import AnnoyIndex
from index_measures import first_at, own_mib, read

LOOKED_AT = (5_000, 10_000, 20_000, 30_000, 45_000, 70_000, 100_000, 150_000, 250_000, 400_000)


def main(inputs, output, settings):
    said = json.loads(settings)
    items, queries, nearest = read(inputs)
    metric = "dot" if said.get("metric") == "dot" else "angular"
    index = AnnoyIndex(items.shape[1], metric)
    kept = kept_at(inputs, f"{said['trees']}-{metric}")
    built = {}
    if said.get("reuse") and kept is not None and kept.is_file():
        index.load(str(kept), prefault=True)
    else:
        built = build(index, items, said["trees"])
    k = nearest.shape[1]

    def search(looked_at):
        return lambda query: index.get_nns_by_vector(query, k, search_k=looked_at)

    figures = first_at(said["recall"], LOOKED_AT, search, queries, nearest)
    if said.get("found"):
        chosen = search(figures["setting"])
        figures["found"] = [list(chosen(query)) for query in queries]
    output.write_text(json.dumps(figures | built))
    if built and kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        index.save(str(kept))


def build(index, items, trees):
    before = own_mib()
    start = time.perf_counter()
    index.set_seed(42)
    for row in range(len(items)):
        index.add_item(row, items[row])
    index.build(trees, n_jobs=-1)
    return {"build_s": time.perf_counter() - start, "memory_mib": own_mib() - before}


def kept_at(inputs, name):
    """The file of the trees of these very items; None where none are kept."""
    folder = os.environ.get("PALATE_TREES")
    if not folder:
        return None
    with (inputs / "items.npy").open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    return Path(folder) / f"{digest}-{name}.ann"


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])

"""The index over vectors of trained nets: two million cars, and what visitors are looking for.

The nets learn from a small market as in `accuracy/realtime.py`; they have met none of the two
million cars, which they know by attributes alone. Queries are the vectors of visitors of the small
market; as in a service our index was tried on made-up newcomers when it was built, who do not ask
here, and is to find 0.98 of what is nearest to them. Cars of one make, model and year lie close
together, and many are nearly alike: nothing here is spread as evenly as clusters that were drawn.

`PALATE_BENCH_ITEMS` sets the size, two million if it is not set.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from accuracy.realtime import CARS, DAYS
from harness import Bench, timed
from index_vectors import MIXED, N_QUERIES, Catalogue
from palate.data.dataset import Dataset
from palate.data.generated.cars import Cars
from palate.models.realtime import Nets, Realtime
from palate.models.realtime.events import Events
from palate.models.realtime.prepare import fit_profiles
from palate.models.realtime.scoring import Scorer
from palate.types import Float32Array
from speed.vector_index import measure

N = int(os.environ.get("PALATE_BENCH_ITEMS", "2000000"))
CHUNK = 50_000
MARKET = 5_000, 3_000  # cars and visitors that are learned from
LEAST = 3  # events of a visitor who asks


def main() -> None:
    bench = Bench("speed-vector-index-trained", "Nearest 500 of trained vectors", runs=1)
    dataset = Cars(*MARKET).dataset(DAYS)
    model = timed("learned", lambda: Realtime(CARS).fit(dataset))
    queries = people(model, dataset)
    vectors = timed("embedded", lambda: embedded(model.nets, N))
    bases = np.zeros((len(queries), MIXED), np.int64)
    groups = np.zeros(N, np.int32)
    catalogue = Catalogue(vectors, groups, queries, bases, model.nets.newcomers)
    measure(bench, f"{N:,} trained", catalogue, held_to=False)
    bench.finish()


def people(model: Realtime, dataset: Dataset) -> Float32Array:
    """(N_QUERIES, d) vectors of visitors, drawn evenly among those who did something."""
    profiles = fit_profiles(dataset, Events.of(dataset), model.config)
    histories = dataset.histories
    known = np.flatnonzero(np.diff(histories.indptr) >= LEAST)
    chosen = np.random.default_rng(2).choice(known, N_QUERIES, replace=False)
    scorer = Scorer(model.nets, profiles, model.vectors)
    return scorer.users(histories.select(np.sort(chosen)))


def embedded(nets: Nets, n: int) -> Float32Array:
    """(n, d) vectors of another market's cars, whose ids nobody has trained."""
    vectors = np.empty((n, nets.dimension), np.float32)
    start = 0
    for cars in Cars(n_items=n, n_visitors=10, seed=2).item_chunks(CHUNK):
        ids = [f"never-{start + row}" for row in range(len(cars))]
        rows = nets.encoder.encode_frame(ids, cars.drop("item_id"))
        vectors[start : start + len(cars)] = nets.embed_rows(rows)
        start += len(cars)
    return vectors


if __name__ == "__main__":
    main()

"""A surface's own work: 500 candidates fused and reranked to 20, and a whole run around that.

Nets, index and state answer at once from memory, so that what is measured is the pipeline.
"""

from __future__ import annotations

import gc
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from harness import Bench
from palate.config import Attribute, EventType, Schema
from palate.features.item_state import ItemState
from palate.pipeline.attributes import Read
from palate.pipeline.candidate import Candidates
from palate.pipeline.check import read_surface
from palate.pipeline.fuse import fuse, worth_of
from palate.pipeline.parts import Parts
from palate.pipeline.person import Person
from palate.pipeline.request import Request
from palate.pipeline.rerank import Explore, MaximalMarginalRelevance, Spread, ranked
from palate.pipeline.run import Pipeline
from palate.pipeline.stage import Asked
from palate.retrieval.index.base import Hits
from palate.types import AttributeKind, Float32Array

N, K, DIMENSION, DEALERS = 500, 20, 64, 80
OUTCOMES = ("view", "save", "contact", "hide")
WEIGHTS = (1.0, 3.0, 8.0, -5.0)
ROUNDS = 11  # a run is the median of so many rounds,
TIMES = 300  # and a round the median of so many calls
WARM_S = 0.5  # before the first run, so that the processor is at its speed
TARGET_US = 150.0
SCHEMA = Schema(
    events={name: EventType(weight=w) for name, w in zip(OUTCOMES, WEIGHTS, strict=True)},
    items={"dealer": Attribute(kind=AttributeKind.CATEGORY)},
)
IDS = [f"car-{n}" for n in range(N)]


class Ready:
    """Index, nets and item states that have all answers at hand."""

    dimension = DIMENSION
    outcomes = OUTCOMES

    def __init__(self, rng: np.random.Generator) -> None:
        # Embeddings of neighbours are alike: a common direction and some noise.
        table = rng.normal(size=DIMENSION) + 0.7 * rng.normal(size=(N, DIMENSION))
        self.table = table.astype(np.float32)
        self.given = rng.beta(1, 20, size=(N, len(OUTCOMES))).astype(np.float32)
        dealers = (rng.zipf(1.5, N) % DEALERS).tolist()
        self.attributes = [{"dealer": f"dealer-{one}"} for one in dealers]
        self.states = [ItemState(1, 1, attributes=one) for one in self.attributes]
        self.hits = [Hits(IDS, np.linspace(1, 0, N, dtype=np.float32), self.table)]
        self.layout = self
        self.names: tuple[str, ...] = ()

    def search(
        self,
        queries: Float32Array,
        k: int,
        *,
        among: Sequence[str] | None = None,
        vectors: bool = False,
    ) -> Sequence[Hits]:
        return self.hits

    def vectors(self, ids: Sequence[str]) -> Float32Array:
        return self.table

    def embed_user(
        self, profile: Float32Array, recent: Float32Array, context: Mapping[str, Any] | None
    ) -> Float32Array:
        return profile

    def rank(
        self, user: Float32Array, items: Float32Array, features: Float32Array | None
    ) -> Float32Array:
        return self.given

    def item_states(self, ids: Sequence[str]) -> list[ItemState | None]:
        return list(self.states)


def warm(work: Callable[[], object]) -> None:
    end = time.perf_counter() + WARM_S
    while time.perf_counter() < end:
        work()


def median_us(work: Callable[[], object]) -> float:
    for _ in range(20):
        work()
    took = []
    for _ in range(TIMES):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return statistics.median(took) * 1e6


def measured() -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    ready = Ready(np.random.default_rng(1))
    parts = Parts(items=ready, nets=ready, index=ready)
    profile = ready.table[0]
    request = Request(now_us=1, person=Person(profile=profile), seed=1)
    asked = Asked(request, parts, SCHEMA, K)
    worth = worth_of({}, SCHEMA, OUTCOMES)
    plain = Candidates(
        IDS,
        np.arange(N, dtype=np.int32)[:, None],
        np.zeros((N, 1), np.float32),
        Read(ready.attributes),
        vectors=ready.table,
    )
    mmr = MaximalMarginalRelevance(kind="mmr")
    spread = Spread(kind="spread", attribute="dealer")
    explore = Explore(kind="explore", slots=2, epsilon=0.2, choice="thompson")
    pool = np.arange(400, 450)
    shown = np.random.default_rng(2).integers(0, 200, 50)
    counts = np.stack([shown, shown // 20], axis=1).astype(np.float64)
    order = np.arange(N)
    scored = ranked(plain.with_scores(fuse(ready.given, worth), ready.given))
    stages = [mmr.model_dump(), spread.model_dump()]
    raw = {"k": K, "sources": [{"kind": "neighbours", "depth": N}], "rerank": stages}
    pipeline = Pipeline.of(read_surface("home", raw, SCHEMA, max_k=1000), parts)
    slate = pipeline.run(request)
    assert len(slate) == K
    assert not slate.is_degraded, slate.degraded

    def together() -> object:
        candidates = plain.with_scores(fuse(ready.given, worth), ready.given)
        return spread.rerank(mmr.rerank(ranked(candidates), asked), asked)

    return {
        "fuse, mmr, spread": together,
        "fuse": lambda: fuse(ready.given, worth),
        "mmr": lambda: mmr.rerank(scored, asked),
        "spread": lambda: spread.rerank(scored, asked),
        "explore, Thompson": lambda: explore.draw(order, pool, counts, K, random.Random("1:0")),
        "a whole run, nets and index aside": lambda: pipeline.run(request),
    }


def run(work: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """The median of rounds, in us; rounds of all take turns, so that a disturbance is in few."""
    rounds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(ROUNDS):
        for name, one in work.items():
            rounds[name].append(median_us(one))
    return {name: statistics.median(found) for name, found in rounds.items()}


def main() -> None:
    bench = Bench("speed-pipeline", f"{N} candidates of {DIMENSION} numbers, {K} places")
    work = measured()
    for one in work.values():
        warm(one)
    gc.freeze()  # nets and settings are no part of what each call leaves behind
    taken: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(bench.runs):
        for name, took in run(work).items():
            taken[name].append(took)
    for name, values in taken.items():
        bench.add(
            f"pipeline/{N} candidates/{name}",
            values,
            unit="us",
            higher_is_better=False,
            target=TARGET_US if name == "fuse, mmr, spread" else None,
        )
    bench.finish()


if __name__ == "__main__":
    main()

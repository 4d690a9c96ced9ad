"""The parts that the package has are those that a pipeline asks for."""

from __future__ import annotations

import numpy as np
from tests.pipeline.fakes import SCHEMA, Nets, name, request, surface

from palate.config import Schema
from palate.events.log.base import Record
from palate.events.schema import Event
from palate.features.state import State
from palate.pipeline.parts import ItemStates, Nearest, Parts, Prober, Remembered
from palate.pipeline.run import Pipeline
from palate.retrieval.index import LocalIndex, Metric
from palate.serve.catalogue import Catalogue
from palate.store.memory_store import MemoryStore


def test_they_fit() -> None:
    state: type[ItemStates] = State
    index: type[Nearest] = LocalIndex
    catalogue: type[Remembered] = Catalogue
    assert state is State
    assert index is LocalIndex
    assert catalogue is Catalogue


def test_a_slate_from_a_real_index_and_a_real_state() -> None:
    state = State(MemoryStore(), Schema(items=SCHEMA.items), 10)
    angles = np.linspace(0, np.pi, 50)
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    ids = [name(i) for i in range(50)]
    state.apply(
        [
            Record(i + 1, Event(event="item.upserted", item_id=ids[i], timestamp=i,
                                   attributes={"dealer": f"d{i % 5}"}))
            for i in range(50)
        ]
    )  # fmt: skip
    index = LocalIndex.build(ids, vectors, Metric.INNER_PRODUCT)
    parts = Parts(items=state, nets=Nets(), index=index)
    raw = {
        "budget_ms": 60_000,
        "rerank": [{"kind": "mmr", "trade_off": 0.9}, {"kind": "spread", "attribute": "dealer"}],
    }
    pipeline = Pipeline.of(surface(**raw), parts)
    slate = pipeline.run(request(k=5))
    assert len(slate) == 5
    assert slate.ids[0] == "i000"
    assert not slate.is_degraded
    state.apply([Record(51, Event(event="item.deleted", item_id="i000", timestamp=60))])
    assert "i000" not in pipeline.run(request(k=5)).ids
    assert isinstance(index, Prober)
    probing = surface(budget_ms=60_000, sources=[{"kind": "probe", "depth": 50}])
    assert Pipeline.of(probing, parts).run(request(k=1)).ids == ["i001"]

"""A stage for replicas: a catalogue of twenty cars, an embedder, and a clock by hand."""

from __future__ import annotations

from typing import Any

from palate.retrieval.embedder import Embedder
from palate.retrieval.index import LocalIndex
from palate.retrieval.indexer import Indexer
from palate.retrieval.replica import Replica
from palate.retrieval.snapshot import Entry
from palate.testing.encoder import FakeEncoder
from palate.testing.live_catalogue import LiveCatalogue, run_until_quiet

A, B = FakeEncoder("aaaa"), FakeEncoder("bbbb", dimension=5)
CARS = [f"car{n}" for n in range(20)]


class Stage:
    """A catalogue of twenty cars with an embedder, and a clock that the test moves."""

    def __init__(self, catalogue: LiveCatalogue, *encoders: FakeEncoder) -> None:
        self.catalogue = catalogue
        self.topic: Any = catalogue.topic
        self.now = 0.0
        self.wanted: FakeEncoder | None = encoders[0]
        for car in CARS:
            catalogue.put(car, {"price": 1})
        self.embedder: Embedder = catalogue.embedder(*encoders)
        run_until_quiet(self.embedder)

    def replica(self, **options: Any) -> Replica[FakeEncoder]:
        return Replica(
            self.topic,
            self.catalogue.snapshots,
            lambda: self.wanted,
            clock=lambda: self.now,
            **options,
        )

    def publish(self, space: str = "aaaa", index: LocalIndex | None = None) -> Entry:
        """A snapshot of a space as the topic has it now; or another index in its place."""
        made = LocalIndex(8 if space == "aaaa" else 5)
        indexer = Indexer(self.catalogue.topic, made, space)
        indexer.catch_up()
        return self.catalogue.snapshots.publish(
            made if index is None else index,
            space=space,
            item_offset=indexer.item_offset,
            embeddings_offset=indexer.applied,
            sample=CARS,
        )

    def sell(self, car: str) -> None:
        """Sold, and published."""
        self.catalogue.sell(car)
        run_until_quiet(self.embedder)

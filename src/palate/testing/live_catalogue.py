"""The live catalogue in this process, for tests: real log, state, topic, pointer and snapshots."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from palate.config import Settings
from palate.events.log.base import batches
from palate.events.log.sqlite import SqliteEventLog
from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED, Event
from palate.features.ingest import Ingest, open_ingest
from palate.retrieval.embedder import Embedder
from palate.retrieval.embeddings import Embedding, embedding_of, open_embeddings
from palate.retrieval.encoder import ItemEncoder
from palate.retrieval.snapshot import Snapshots
from palate.store.database import REGISTRY, Database
from palate.store.folder_store import FolderStore
from palate.store.sqlite_pointer import SqlitePointer
from palate.types import Float32Array

__all__ = ["LiveCatalogue", "offsets_fall", "run_until_quiet", "same"]


class LiveCatalogue:
    """One home with a writer, and the parts of the live catalogue over it; use it as a context.

    Args:
        home: Made here.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.settings = Settings(home=home)
        self._opened = ExitStack()
        self._topic: SqliteEventLog | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.hand_over()
        self._opened.close()

    @cached_property
    def ingest(self) -> Ingest:
        """The writer: log and state."""
        return self._opened.enter_context(open_ingest(self.home, self.settings))

    @property
    def topic(self) -> SqliteEventLog:
        """`item_embeddings`, open for writing."""
        if self._topic is None:
            self._topic = open_embeddings(self.home, read_only=False)
        return self._topic

    def hand_over(self) -> None:
        """Close the topic, so that another process may write it; `topic` opens it again."""
        if self._topic is not None:
            self._topic.close()
            self._topic = None

    @cached_property
    def pointer(self) -> SqlitePointer:
        """In the registry."""
        pointer = SqlitePointer(Database(self.home / REGISTRY))
        self._opened.callback(pointer.close)
        return pointer

    @cached_property
    def snapshots(self) -> Snapshots:
        """Below the home."""
        return Snapshots(FolderStore(self.home / "objects"), self.pointer)

    def put(self, item: str, attributes: dict[str, Any] | None = None) -> int:
        """Upsert an item; the log's offset of that."""
        return self.post(Event(event=ITEM_UPSERTED, item_id=item, attributes=attributes))

    def sell(self, item: str) -> int:
        """Delete an item; the log's offset of that."""
        return self.post(Event(event=ITEM_DELETED, item_id=item))

    def post(self, event: Event) -> int:
        """Append an event of any type; its offset."""
        return self.ingest.append([event])[0].offset

    def embedder(self, *encoders: ItemEncoder, batch: int = 256) -> Embedder:
        """A new embedder over all of it."""
        embedder = Embedder(
            self.ingest.log, self.ingest.state, self.topic, self.pointer, batch=batch
        )
        embedder.use(encoders)
        return embedder

    def published(self) -> list[Embedding]:
        """Everything in the topic, in order."""
        return [embedding_of(record) for some in batches(self.topic) for record in some]

    def reflected(self, space: str) -> dict[str, Float32Array]:
        """What somebody who applies the topic in order holds of a space in the end."""
        held: dict[str, Float32Array] = {}
        for embedding in self.published():
            if embedding.vector is None:
                held.pop(embedding.item_id, None)
            elif embedding.space == space:
                held[embedding.item_id] = embedding.vector
        return held

    def truth(self, encoder: ItemEncoder) -> dict[str, Float32Array]:
        """What the catalogue is now under an encoder that takes all of it."""
        shown = [
            (one, item.attributes)
            for one, item in self.ingest.state.items(limit=1_000_000)
            if item.showable
        ]
        vectors = encoder.embed_items([one for one, _ in shown], [known for _, known in shown])
        return dict(zip((one for one, _ in shown), vectors, strict=True))


def run_until_quiet(embedder: Embedder) -> None:
    """Step until there is nothing to do."""
    while embedder.step():
        pass


def same(left: dict[str, Float32Array], right: dict[str, Float32Array]) -> bool:
    """Whether two catalogues hold the same items with the same vectors."""
    return left.keys() == right.keys() and all(np.array_equal(left[k], right[k]) for k in left)


def offsets_fall(published: Iterable[Embedding]) -> list[str]:
    """Items of which a space, or a deletion, takes back what is newer: there must be none."""
    newest: dict[str, dict[str, int]] = {}
    fell: list[str] = []
    for embedding in published:
        known = newest.setdefault(embedding.item_id, {})
        before = (
            known.values()
            if embedding.deleted
            else (known.get(embedding.space, 0), known.get("", 0))
        )
        if embedding.item_offset < max(before, default=0):
            fell.append(embedding.item_id)
        known[embedding.space] = embedding.item_offset
    return fell

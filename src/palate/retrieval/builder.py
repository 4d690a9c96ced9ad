"""Builds the index of one space beside the service, and publishes snapshots of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from palate.errors import BundleError, StoreError
from palate.events.log.base import EventLog
from palate.retrieval.askers import Askers, nobody
from palate.retrieval.index.drift import Drift
from palate.retrieval.index.local import LocalIndex
from palate.retrieval.index.names import named
from palate.retrieval.indexer import Indexer, TopicTrimmedError
from palate.retrieval.settings import RetrievalSettings
from palate.retrieval.snapshot import Entry, Manifest, Snapshots
from palate.retrieval.spaces import Space

__all__ = ["Builder"]

logger = logging.getLogger(__name__)


class Builder:
    """Follows the topic for one space and publishes its index: at first, and when it changed.

    It goes on from the newest snapshot that is whole, or begins with an empty index where the
    space's records begin. A first snapshot waits until the whole catalogue is in the topic. Where
    the pointer is moved back, it goes on from there, so that what was left is not published again.

    Args:
        topic: `item_embeddings`, for reading.
        snapshots: Where they are published.
        name: Of the space.
        space: How far the embedder is with it.
        settings: How often, and by what.
        askers: What people look for, for which new lists are cut and by which they are measured.

    Raises:
        StoreError: No snapshot is whole, and the topic does not hold the space's beginning.
    """

    def __init__(
        self,
        topic: EventLog,
        snapshots: Snapshots,
        name: str,
        space: Space,
        settings: RetrievalSettings,
        askers: Askers = nobody,
    ) -> None:
        self._topic = topic
        self._snapshots = snapshots
        self._name = name
        self._space = space
        self._settings = settings
        self._askers = askers
        self._published_at = -float("inf")
        self._index, self.indexer, self.entry = self._begin()

    def step(self, space: Space, clock: Callable[[], float] = time.time) -> Entry | None:
        """Catch up, and publish a snapshot if one is due; what was published.

        Args:
            space: How far the embedder is now.
            clock: Seconds since 1970: the time of a snapshot outlives this process.

        Raises:
            StoreError: The topic, the object store, the pointer or the registry failed; call again.
            TopicTrimmedError: What is needed is gone from the topic; make another builder.
        """
        if space.generation != self._space.generation:
            raise TopicTrimmedError(f"space {self._name} is embedded anew")
        self._heed_pointer(clock)
        self.indexer.catch_up()
        if space.complete_at is None or self.indexer.applied < space.complete_at:
            return None
        if self.entry is not None and (
            self.indexer.applied == self.entry.embeddings_offset
            or 0 <= clock() - self._published_at < self._settings.refresh_s
        ):
            return None
        self._rebuild_if_drifted()
        self.entry = self._snapshots.publish(
            self._index,
            space=self._name,
            item_offset=self.indexer.item_offset,
            embeddings_offset=self.indexer.applied,
            sample=self._sampled(),
            after=self.entry,
        )
        self._published_at = clock()
        logger.info("snapshot %s with %d items", self.entry.snapshot, len(self._index))
        return self.entry

    # ------------------------------------------------------------------ private

    def _heed_pointer(self, clock: Callable[[], float]) -> None:
        """Publish again what a server lost; leave the index that somebody rolled back from.

        After a rollback it goes on from the snapshot pointed to, and publishes the next one when
        `refresh_s` is over, as if that one had been made now.
        """
        if self.entry is None:
            return
        found = self._snapshots.pointed(self._name)
        if found is None:
            logger.warning("the pointer of space %s is gone: it is published again", self._name)
            self.entry = None
            return
        if not found[0].is_behind(self.entry):
            return
        before = found[0].current
        begun = self._loaded(before)
        if begun is None:
            logger.error("space %s points to what is no use: it is published again", self._name)
            self.entry = None
            return
        logger.warning("space %s was rolled back: it goes on from %s", self._name, before.snapshot)
        self._index, self.indexer, _ = begun
        self.entry, self._published_at = before, clock()

    def _begin(self) -> tuple[LocalIndex, Indexer, Entry | None]:
        """From the newest snapshot that is whole and that the topic goes on from."""
        found = self._snapshots.pointed(self._name)
        entries = () if found is None else found[0].entries
        for entry in entries:
            begun = self._loaded(entry)
            if begun is None:
                continue
            index, indexer, manifest = begun
            if entry is not entries[0]:
                return index, indexer, None
            # So a restart does not write gigabytes while the first requests come.
            self._published_at = manifest.made_at / 1e6
            return index, indexer, entry
        if entries:
            logger.warning("space %s has no snapshot to go on from", self._name)
            self._snapshots.withdraw(self._name)
        if self._space.since + 1 < self._topic.start():
            raise StoreError(
                f"space {self._name} has no whole snapshot, and item_embeddings no longer holds "
                "its beginning",
                hint="stop the embedder and delete the folder embeddings/: all is embedded anew",
            )
        index = LocalIndex(self._space.dimension, self._settings.metric)
        return index, Indexer(self._topic, index, self._name, after=self._space.since), None

    def _loaded(self, entry: Entry) -> tuple[LocalIndex, Indexer, Manifest] | None:
        """A snapshot and who goes on from it; None where it is not whole, or the topic is not."""
        if not self._topic.start() - 1 <= entry.embeddings_offset <= self._topic.head():
            return None
        if entry.embeddings_offset < self._space.since:
            return None  # of an earlier time that this space was embedded
        try:
            index, manifest = self._snapshots.load(entry)
        except BundleError as error:
            logger.error("snapshot %s is not gone on from: %s", entry.snapshot, error)
            return None
        after, items = manifest.embeddings_offset, manifest.item_offset
        indexer = Indexer(self._topic, index, self._name, after=after, item_offset=items)
        return index, indexer, manifest

    def _rebuild_if_drifted(self) -> None:
        """New lists, where the rows no longer fit into the old ones."""
        reasons = Drift.of(self._index).reasons()
        if not reasons:
            return
        logger.info("the index of space %s is built anew: %s", self._name, "; ".join(reasons))
        ids, vectors = self._index.items()
        queries = self._askers(self._name)
        self._index = LocalIndex.build(
            ids, vectors, self._index.metric, recall=self._settings.recall, queries=queries
        )
        self.indexer.index = self._index

    def _sampled(self) -> list[str]:
        """Items spread evenly over all of them; nothing is read of the others."""
        index, wanted = self._index, self._settings.sample
        with index.still():
            slots = index.names.slots()
            drawn = slots[:: max(1, len(slots) // wanted)][:wanted].copy()  # in one piece
            return named(drawn, index.names.arrays)

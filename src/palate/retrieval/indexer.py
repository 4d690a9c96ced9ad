"""Vectors that were published become rows of an index, in order, up to a known offset."""

from __future__ import annotations

import logging
from typing import Final, Protocol

import numpy as np

from palate.errors import DataError, LogError
from palate.events.identity import now_us
from palate.events.log.base import Record
from palate.retrieval.embeddings import Embedding, concerns, embedding_of
from palate.retrieval.freshness import Freshness
from palate.retrieval.index.base import VectorIndex

__all__ = ["Indexer", "Topic", "TopicTrimmedError"]

_PAGE: Final = 4096

logger = logging.getLogger(__name__)


class Topic(Protocol):
    """What is read of `item_embeddings`; an `EventLog` is one."""

    def read(self, after: int = 0, *, limit: int = 1000) -> list[Record]:
        """Records with an offset above `after`, oldest first; at most `limit`."""
        ...

    def head(self) -> int:
        """The newest offset; 0 for an empty topic."""
        ...

    def start(self) -> int:
        """The offset from which it is whole: 1, or where it was trimmed to."""
        ...


class TopicTrimmedError(LogError):
    """The topic is not what an index can go on from: what it needs was dropped, or all of it."""


class Indexer:
    """Applies `item_embeddings` of one space to an index. One thread at a time calls it.

    Args:
        topic: `item_embeddings`.
        index: Reflects the topic up to `after`.
        space: Whose vectors.
        after: The topic's offset that the index reflects.
        item_offset: The newest item change that is in it.

    Attributes:
        applied: The topic's offset that the index reflects now.
        item_offset: The newest item change that is in it.
        changes: Items put or deleted so far.
        unreadable: Records that were passed over, each logged: not of this topic, or of another
            dimension.
        freshness: Where set: how long each change took until searches found it.
    """

    def __init__(
        self,
        topic: Topic,
        index: VectorIndex,
        space: str,
        *,
        after: int = 0,
        item_offset: int = 0,
    ) -> None:
        self.topic = topic
        self.index = index
        self.space = space
        self.applied = after
        self.item_offset = item_offset
        self.changes = 0
        self.unreadable = 0
        self.freshness: Freshness | None = None

    def step(self, limit: int = _PAGE) -> int:
        """Apply up to `limit` further records; how many there were.

        Raises:
            TopicTrimmedError: Records that the index has not seen are gone, or the topic was
                replaced by another one.
            LogError: The topic cannot be read.
        """
        records = self.topic.read(self.applied, limit=limit)
        # Asked afterwards: what is there now was not trimmed from what was read.
        start = self.topic.start()
        if start > self.applied + 1 or (not records and self.topic.head() < self.applied):
            raise TopicTrimmedError(
                f"the index of space {self.space} reflects offset {self.applied} of "
                f"item_embeddings, which holds {start} to {self.topic.head()}",
                hint="it begins again from the newest snapshot",
            )
        if records:
            self._apply(self._read(records))
            self.applied = records[-1].offset
        return len(records)

    def catch_up(self, upto: int | None = None) -> int:
        """Apply all that the topic has now, and at least up to `upto`; how many records.

        Raises:
            TopicTrimmedError: As for `step`.
        """
        head = max(self.topic.head(), upto or 0)
        done = 0
        while some := self.step():
            done += some
            if self.applied >= head:
                break
        return done

    def _read(self, records: list[Record]) -> list[Embedding]:
        """The newest of each item, of this space."""
        newest: dict[str, Embedding] = {}
        for record in records:
            if not concerns(record, self.space):
                continue
            try:
                embedding = embedding_of(record)
                if embedding.vector is not None:
                    self._check(embedding, record)
            except DataError as error:
                self.unreadable += 1
                logger.warning("%s", error)
                continue
            newest[embedding.item_id] = embedding
            self.item_offset = max(self.item_offset, embedding.item_offset)
        return list(newest.values())

    def _check(self, embedding: Embedding, record: Record) -> None:
        assert embedding.vector is not None
        if len(embedding.vector) != self.index.dimension:
            raise DataError(
                f"record {record.offset} of item_embeddings has {len(embedding.vector)} numbers, "
                f"and the index of space {self.space} {self.index.dimension}"
            )

    def _apply(self, embeddings: list[Embedding]) -> None:
        gone = [one.item_id for one in embeddings if one.deleted]
        kept = [one for one in embeddings if one.vector is not None]
        if gone:
            self.index.delete(gone)
        if kept:
            vectors = np.stack([one.vector for one in kept if one.vector is not None])
            self.index.upsert([one.item_id for one in kept], vectors)
        self.changes += len(embeddings)
        if self.freshness is not None:
            now = now_us()
            self.freshness.add([(now - e.changed_at) / 1e6 for e in embeddings if e.changed_at])

"""The embedder: what the log says of items becomes vectors, published as `item_embeddings`.

It follows `item.upserted` and `item.deleted` with one position for all spaces, and embeds each
change under every space it is given. A space that is new is also embedded over the whole
catalogue, a page of the state after each micro-batch of changes. Nothing is read on before all
that was read is in the topic, which is its back-pressure: at most `batch` items (in each space)
are read and not yet written.

Three rules keep `item_offset` from falling for any item, also across `kill -9`:

1. The position is committed after the topic has the records. What is read again is published
   under the same event ids, so it has no second effect.
2. A page is read only from a state that reflects the position, and an item that changed after the
   position is left out of it: its change is still to come.
3. A space begins behind all that the topic holds. A successor reads what was published and not
   committed again before it begins one: else the space would have an item of before a deletion,
   which is in the topic already and is not written twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

import msgspec
import numpy as np

from palate.errors import LogError
from palate.events.log.base import EventLog, Record
from palate.events.schema import ABOUT_ITEMS, ITEM_DELETED, Event
from palate.features.item_state import HIDDEN, ItemState
from palate.retrieval.embeddings import Embedding, embedding_of, event_of
from palate.retrieval.encoder import ItemEncoder, encoded
from palate.retrieval.spaces import EMBEDDER, Space, Spaces
from palate.store.base import Pointer
from palate.types import Float32Array

__all__ = ["CataloguePages", "Embedder"]

_COMMIT_EVERY: Final = 10_000  # offsets of no item that are passed before that is written down

logger = logging.getLogger(__name__)


class CataloguePages(Protocol):
    """The catalogue as it is now, by pages; `features.state.State` is one."""

    def offset(self) -> int:
        """The log offset that it reflects."""
        ...

    def items(self, after: str | None = None, limit: int = 100) -> list[tuple[str, ItemState]]:
        """Up to `limit` items that are not deleted, by id; fewer only at the end."""
        ...


class Embedder:
    """Follows one log of items and writes one topic; `step` does a little of it.

    Args:
        items: The event log; read, and the group `embedder` committed.
        catalogue: The state that follows it.
        topic: Open for writing, which is what makes it the only embedder.
        pointer: Where it remembers its spaces.
        batch: Items of one micro-batch, and of one page of the catalogue.

    Attributes:
        position: The offset of `items` up to which the topic has everything.
        published: Records written by this object.
        failed: Items that a net could not embed; each is logged.

    Raises:
        LogError: The topic reflects more than the log holds: it is another log's.
    """

    def __init__(
        self,
        items: EventLog,
        catalogue: CataloguePages,
        topic: EventLog,
        pointer: Pointer,
        *,
        batch: int = 256,
    ) -> None:
        self._items = items
        self._catalogue = catalogue
        self._topic = topic
        self._book = Spaces(pointer)
        self._batch = batch
        self._encoders: dict[str, ItemEncoder] = {}
        self._spaces, self._version = self._book.read()
        if any(max(s.since, s.complete_at or 0) > topic.head() for s in self._spaces.values()):
            logger.warning("item_embeddings is a new topic: all spaces are embedded anew")
            self._remember({})
        self.position = self._committed = items.committed(EMBEDDER)
        self.published = 0
        self.failed = 0
        self._followed = False  # whether all that the topic holds was read by this object
        _check_same_log(items, topic)

    @property
    def spaces(self) -> Mapping[str, Space]:
        """How far each space is."""
        return dict(self._spaces)

    def use(self, encoders: Iterable[ItemEncoder]) -> None:
        """Embed under these spaces from now on; a new one over the whole catalogue, too.

        A space that is not among them is forgotten: when it comes back it is embedded anew.

        Raises:
            BrokenEncoderError: As `step`, which a successor does a part of.
            StoreError: Likewise; call again.
        """
        self._encoders = {encoder.space: encoder for encoder in encoders}
        kept = {name: known for name, known in self._spaces.items() if name in self._encoders}
        new = [name for name in self._encoders if name not in kept]
        if len(kept) == len(self._spaces) and not new:
            return
        begins = self.position == 0 and not self._spaces and self._topic.head() == 0
        if len(kept) < len(self._spaces):  # first: what is read again would not be in them
            self._remember(kept)
        if not new:
            return
        if begins:  # all there is will be in the pages
            self.position = self._catalogue.offset()
            self._commit()
        elif not self._followed:
            self._follow()
        since = self._topic.head()
        for name in new:
            dimension = self._encoders[name].dimension
            kept[name] = Space(dimension=dimension, generation=self._version + 1, since=since)
            logger.info("space %s is embedded over the whole catalogue", name)
        self._remember(kept)

    def step(self) -> int:
        """Publish one micro-batch of changes, then one page of each new space; how many items.

        Raises:
            BrokenEncoderError: A net embeds nothing; what was read is read again.
            StoreError: A log or the pointer failed; so is it then.
        """
        done = self._follow()
        for name, space in list(self._spaces.items()):
            if space.complete_at is None:
                done += self._page(name, space)
        return done

    def lag(self) -> int:
        """Offsets of the event log that are not looked at yet."""
        return max(0, self._items.head() - self.position)

    # ------------------------------------------------------------------ changes

    def _follow(self) -> int:
        head = self._items.head()
        if head <= self.position:
            self._followed = True
            return 0
        records = self._items.read(self.position, limit=self._batch, events=ABOUT_ITEMS)
        self._publish(self._changed(records))
        if len(records) == self._batch:
            self.position = records[-1].offset
        else:
            self.position = max(head, records[-1].offset if records else 0)
        if records or self.position - self._committed >= _COMMIT_EVERY:
            self._commit()
        self._followed = True
        return len(records)

    def _changed(self, records: Sequence[Record]) -> list[Event]:
        """Events of the topic for changes of items, in their order."""
        kept = [record for record in records if not _is_gone(record)]
        ids = [record.event.item_id or "" for record in kept]
        attributes = [record.event.attributes or {} for record in kept]
        events = [
            (record.offset, event_of(_gone(record))) for record in records if _is_gone(record)
        ]
        for name, space in self._spaces.items():
            vectors = encoded(self._encoders[name], ids, attributes, self._on_fault(name))
            for row in _embedded(vectors):  # where it failed, the vector before stays
                offset, event = kept[row].offset, kept[row].event
                embedding = Embedding(
                    item_id=ids[row],
                    space=name,
                    vector=vectors[row],
                    item_offset=offset,
                    timestamp=event.timestamp,
                    changed_at=event.received_at,
                )
                events.append((offset, event_of(embedding, space.generation)))
        events.sort(key=lambda pair: pair[0])
        return [event for _, event in events]

    # ------------------------------------------------------------------ the whole catalogue

    def _page(self, name: str, space: Space) -> int:
        """Embed one page of the catalogue under a new space."""
        if self._catalogue.offset() < self.position:
            return 0  # it would say what the topic has left behind
        page = self._catalogue.items(space.after, self._batch)
        settled = [
            (one, item)
            for one, item in page
            if item.updated_offset <= self.position and item.attributes.get(HIDDEN) is not True
        ]
        vectors = encoded(
            self._encoders[name],
            [one for one, _ in settled],
            [item.attributes for _, item in settled],
            self._on_fault(name),
        )
        events: list[Event] = []
        for row in _embedded(vectors):
            one, item = settled[row]
            embedding = Embedding(one, name, vectors[row], item.updated_offset, item.timestamp)
            events.append(event_of(embedding, space.generation))
        self._publish(events)
        after = page[-1][0] if page else space.after
        complete_at = self._topic.head() if len(page) < self._batch else None
        moved = msgspec.structs.replace(space, after=after, complete_at=complete_at)
        self._remember({**self._spaces, name: moved})
        if complete_at is not None:
            logger.info("space %s holds the whole catalogue", name)
        return len(page)

    # ------------------------------------------------------------------ write

    def _publish(self, events: Sequence[Event]) -> None:
        self._topic.append(events)
        self.published += len(events)

    def _commit(self) -> None:
        self._items.commit(EMBEDDER, self.position)
        self._committed = self.position

    def _remember(self, spaces: dict[str, Space]) -> None:
        self._version = self._book.write(spaces, self._version)
        self._spaces = spaces

    def _on_fault(self, space: str) -> Callable[[str, str], None]:
        def report(item: str, why: str) -> None:
            self.failed += 1
            logger.warning("item %r has no vector in space %s: %.300s", item, space, why)

        return report


def _embedded(vectors: Float32Array) -> list[int]:
    """Rows of items that have a vector."""
    return np.flatnonzero(np.isfinite(vectors).all(axis=1)).tolist()


def _is_gone(record: Record) -> bool:
    """Whether a change takes an item out of every slate."""
    event = record.event
    return event.event == ITEM_DELETED or (event.attributes or {}).get(HIDDEN) is True


def _gone(record: Record) -> Embedding:
    event = record.event
    return Embedding(
        item_id=event.item_id or "",
        space="",
        vector=None,
        item_offset=record.offset,
        timestamp=event.timestamp,
        changed_at=event.received_at,
    )


def _check_same_log(items: EventLog, topic: EventLog) -> None:
    """Refuse a topic that was made from a log which went further than this one."""
    newest = topic.read(topic.head() - 1, limit=1)
    if newest and (reflects := embedding_of(newest[0]).item_offset) > items.head():
        raise LogError(
            f"item_embeddings reflects offset {reflects}, but the event log ends at {items.head()}",
            hint="the log was replaced: delete the folder embeddings/ to embed all items anew",
        )

"""An index that a worker makes itself, from the state, where no embedder publishes vectors.

It reads the whole catalogue once and then follows the log's tail, so every worker embeds every
change: right for some ten thousand items, a demo, a test. Beyond that the roles `embedder` and
`indexer` do it once for all workers (`serve.replica_index`).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Final

import numpy as np

from palate.events.log.base import EventLog, Record
from palate.events.schema import ABOUT_ITEMS, ITEM_DELETED
from palate.features.item_state import HIDDEN
from palate.features.state import State
from palate.retrieval.encoder import ItemEncoder, encoded
from palate.retrieval.index.base import Metric, VectorIndex
from palate.retrieval.index.local import LocalIndex
from palate.retrieval.warm import warm_index
from palate.types import Float32Array

__all__ = ["OwnIndex"]

_PAGE: Final = 2_000  # items embedded at once
_TAIL: Final = 500  # changes embedded at once
_WARM: Final = 64  # items whose neighbours are looked for before anybody asks

logger = logging.getLogger(__name__)


class OwnIndex:
    """A `SpaceIndex` of all live items of a state.

    Args:
        encoder: Embeds them.
        state: The catalogue.
        log: Whose `item.*` it follows from there.
        metric: What nearest means.
    """

    snapshot: Final = ""

    def __init__(
        self,
        encoder: ItemEncoder,
        state: State,
        log: EventLog,
        metric: Metric = Metric.INNER_PRODUCT,
    ) -> None:
        self._encoder = encoder
        self._state = state
        self._log = log
        self._metric = metric
        self._offset = 0
        self._following = threading.Lock()
        self._index: LocalIndex | None = None

    @property
    def index(self) -> VectorIndex | None:
        """What answers now; None before `refresh`."""
        return self._index

    def refresh(self) -> bool:
        """Embed the whole catalogue, the first time, and search it as requests will.

        Raises:
            BrokenEncoderError: The nets embed nothing.
            StoreError: State or log cannot be read.
        """
        if self._index is not None:
            return False
        offset = self._state.offset()  # what changes meanwhile comes again, from the log
        ids: list[str] = []
        parts: list[Float32Array] = []
        after: str | None = None
        while page := self._state.items(after, _PAGE):
            after = page[-1][0]
            shown = [(one, item.attributes) for one, item in page if not item.hidden]
            kept, vectors = self._embedded([one for one, _ in shown], [a for _, a in shown])
            ids += kept
            parts.append(vectors)
        empty = np.empty((0, self._encoder.dimension), np.float32)
        index = LocalIndex.build(ids, np.concatenate([empty, *parts]), self._metric)
        warm_index(index, ids[:_WARM])
        with self._following:
            self._offset, self._index = offset, index
        while self.follow():
            pass
        logger.info("space %s: %d items are indexed here", self._encoder.space, len(index))
        return True

    def follow(self) -> int:
        """Take in one page of the log's tail; how many changes.

        Raises:
            BrokenEncoderError: The nets embed nothing; nothing was taken in.
            StoreError: The log cannot be read; so is it then.
        """
        with self._following:
            if self._index is None:
                return 0
            head = self._log.head()
            if head <= self._offset:
                return 0
            records = self._log.read(self._offset, limit=_TAIL, events=ABOUT_ITEMS)
            if records:
                self._apply(records, self._index)
            newest = records[-1].offset if records else self._offset
            # A short page says that there is no item up to the head: do not look at those again.
            self._offset = newest if len(records) == _TAIL else max(head, newest)
            return len(records)

    def _apply(self, records: Sequence[Record], index: LocalIndex) -> None:
        newest = {record.event.item_id or "": record.event for record in records}
        gone = [
            item
            for item, event in newest.items()
            if event.event == ITEM_DELETED or (event.attributes or {}).get(HIDDEN) is True
        ]
        left = [item for item in newest if item not in set(gone)]
        ids, vectors = self._embedded(left, [newest[item].attributes or {} for item in left])
        if gone:
            index.delete(gone)
        if ids:
            index.upsert(ids, vectors)

    def _embedded(
        self, ids: Sequence[str], attributes: Sequence[dict[str, object]]
    ) -> tuple[list[str], Float32Array]:
        """Those that have a vector, and their vectors."""
        vectors = encoded(self._encoder, ids, attributes, self._report)
        kept = np.flatnonzero(np.isfinite(vectors).all(axis=1))
        return [ids[row] for row in kept.tolist()], vectors[kept]

    def _report(self, item: str, why: str) -> None:
        logger.warning("item %r has no vector in space %s: %.300s", item, self._encoder.space, why)

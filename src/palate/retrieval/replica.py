"""A worker's replica of the index: loads what is pointed to, follows the topic, switches safely.

A new snapshot is loaded beside the index that answers, which goes on following. It is replayed to
the topic's head, warmed, and compared with the old one. Then, while nothing else is applied, it
takes in what came meanwhile, so that it reflects at least what the old one does, and takes its
place by one assignment: what was sold before the switch is in neither. The old one keeps following
and is there for an instant rollback.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from palate.errors import PalateError, StoreError
from palate.retrieval.checks import Checks, Comparison
from palate.retrieval.freshness import Freshness
from palate.retrieval.indexer import Indexer, Topic, TopicTrimmedError
from palate.retrieval.live import Live, OfSpace
from palate.retrieval.snapshot import Entry, Snapshots
from palate.retrieval.warm import warm_index

__all__ = ["Replica"]

_RETRY_S: Final = 30.0  # between two tries of a snapshot that was refused
_MANY: Final = 1_000  # records applied at once, behind which there are perhaps more

N = TypeVar("N", bound=OfSpace)

logger = logging.getLogger(__name__)


class Replica(Generic[N]):
    """The index of one worker. One thread calls `follow`, one `refresh`; any reads `live`.

    Args:
        topic: `item_embeddings`.
        snapshots: Where the newest index is.
        wanted: The nets to answer with now; None for none. It is asked at every `refresh`, and
            nets whose space has no snapshot yet wait until there is one.
        number: Of this worker, from 0: the later load later.
        stagger_s: Seconds between two workers.
        waits: Whether the first load waits for this worker's turn as well: another space answers.
        checks: What is asked of a new index.
        clock: Monotonic seconds.

    Attributes:
        live: What answers; None before the first snapshot was loaded. Take it once a request.
        previous: What answered before; it is kept up to date.
        comparison: What the newest switch was judged by.
        freshness: How long changes took until searches found them here.
        switches: So many there were, the first load included.
        refused: Snapshots that were not taken, each logged as an error.
        rollbacks: So many there were.
    """

    def __init__(
        self,
        topic: Topic,
        snapshots: Snapshots,
        wanted: Callable[[], N | None],
        *,
        number: int = 0,
        stagger_s: float = 0.5,
        waits: bool = False,
        checks: Checks | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._topic = topic
        self._snapshots = snapshots
        self._wanted = wanted
        self._wait_s = number * stagger_s
        self._waits = waits
        self._checks = checks or Checks()
        self._clock = clock
        self._changing = threading.Lock()  # of what is applied, and of which one answers
        self._noticed: tuple[str, float] = ("", 0.0)  # a snapshot, and when it was first seen
        self._again: dict[str, float] = {}  # snapshots refused, and when to try them again
        self._left: set[str] = set()  # snapshots that were rolled back from
        self._lost = False  # whether what answers misses records that are gone
        self.live: Live[N] | None = None
        self.previous: Live[N] | None = None
        self.comparison: Comparison | None = None
        self.freshness = Freshness()
        self.switches = self.refused = self.rollbacks = 0

    # ------------------------------------------------------------------ follow

    def follow(self) -> int:
        """Apply what was published to what answers and to what did before; how many records.

        Raises:
            LogError: The topic cannot be read; what answers stays as it is.
        """
        gone: list[Live[N]] = []  # until the lock is free: an index takes long to be freed
        with self._changing:
            if self.live is None or self._lost:
                return 0
            if self.previous is not None:
                try:
                    self.previous.indexer.step()
                except TopicTrimmedError as error:
                    logger.warning("there is nothing to roll back to: %s", error)
                    gone.append(self.previous)
                    self.previous = None
            try:
                return self.live.indexer.step()
            except TopicTrimmedError as error:
                logger.error("%s", error)
                self._lost = True
                return 0

    def follow_until(self, stop: threading.Event, *, poll_s: float = 0.02) -> None:
        """`follow` until `stop` is set; faults are logged, and it goes on."""
        while not stop.is_set():
            try:
                done = self.follow()
            except PalateError as error:
                logger.error("the index is not followed: %s", error)
                done = 0
                stop.wait(1.0)
            if done < _MANY:  # few at a time cost several times as much
                stop.wait(poll_s)

    # ------------------------------------------------------------------ refresh

    def refresh(self) -> bool:
        """Load what is pointed to, where it is not what answers; whether there was a switch.

        Takes as long as loading does; a snapshot that is refused is logged and counted, and what
        answers goes on.

        Raises:
            StoreError: The pointer cannot be read.
        """
        nets = self._wanted()
        found = None if nets is None else self._snapshots.pointed(nets.space)
        if nets is None or found is None:
            return False
        entry, live = found[0].current, self.live
        if live is not None and live.snapshot == entry.snapshot and not self._lost:
            return False
        if entry.snapshot in self._left or not self._is_due(entry):
            return False
        try:
            fresh = self._kept(entry) or self._loaded(nets, entry)
            self._switch(fresh)
        except (PalateError, MemoryError) as error:
            self.refused += 1
            self._again[entry.snapshot] = self._clock() + _RETRY_S
            logger.error("snapshot %s is refused, the one before stays: %s", entry.snapshot, error)
            return False
        self._again.clear()
        return True

    def refresh_until(self, stop: threading.Event, *, poll_s: float = 0.25) -> None:
        """`refresh` until `stop` is set; faults are logged, and it goes on."""
        while not stop.is_set():
            try:
                self.refresh()
            except PalateError as error:
                logger.error("the newest snapshot cannot be found: %s", error)
            stop.wait(poll_s)

    def rollback(self) -> Live[N]:
        """Answer with what answered before; at once. The snapshot left is not taken again.

        Nets of another space come back with their index; move the release's alias back too, or
        their next snapshot replaces it.

        Raises:
            StoreError: Nothing answered before.
        """
        with self._changing:
            if self.live is None or self.previous is None:
                raise StoreError("there is no index to roll back to")
            self._left.add(self.live.snapshot)
            back = self.previous
            back.indexer.catch_up(self.live.applied)
            gone = self._answer_with(back)
            self.rollbacks += 1
        del gone
        return back

    # ------------------------------------------------------------------ private

    def _is_due(self, entry: Entry) -> bool:
        """Whether this worker's turn has come, and a refusal is long enough ago."""
        now = self._clock()
        if self._noticed[0] != entry.snapshot:
            self._noticed = (entry.snapshot, now)
        at_once = self._lost or (self.live is None and not self._waits)
        turn = now if at_once else self._noticed[1] + self._wait_s
        return now >= max(turn, self._again.get(entry.snapshot, now))

    def _kept(self, entry: Entry) -> Live[N] | None:
        """What answered before, if that is what is pointed to again."""
        previous = self.previous
        return previous if previous is not None and previous.snapshot == entry.snapshot else None

    def _loaded(self, nets: N, entry: Entry) -> Live[N]:
        """The snapshot, brought to the topic's head, warm, and found sound."""
        index, manifest = self._snapshots.load(entry)
        indexer = Indexer(
            self._topic,
            index,
            nets.space,
            after=manifest.embeddings_offset,
            item_offset=manifest.item_offset,
        )
        indexer.catch_up()
        warm_index(index, manifest.sample)
        live = None if self._lost else self.live  # what misses records is no measure
        self.comparison = self._checks.compare(
            None if live is None else live.index,
            index,
            manifest.sample,
            same_space=live is not None and live.space == nets.space,
        )
        return Live(nets, index, entry.snapshot, indexer)

    def _switch(self, fresh: Live[N]) -> None:
        with self._changing:
            live = self.live
            # Nothing is applied meanwhile: it now reflects all that the old one does, and more.
            fresh.indexer.catch_up(0 if live is None else live.applied)
            gone = self._answer_with(fresh)
            self._lost = False
        del gone
        self.switches += 1
        logger.info(
            "answering from snapshot %s with %d items, overlap %s",
            fresh.snapshot,
            len(fresh.index),
            "unknown" if self.comparison is None else f"{self.comparison.overlap:.2f}",
        )

    def _answer_with(self, fresh: Live[N]) -> tuple[Live[N] | None, ...]:
        """Let it answer; what did before, and before that.

        Whoever calls holds that until the lock is free: what nobody else holds is freed with it,
        and that takes a tenth of a second for a million items, in which nothing would be applied.
        """
        gone = self.previous, self.live
        if self.live is not None:
            self.live.indexer.freshness = None
        fresh.indexer.freshness = self.freshness
        self.previous = None if self._lost else self.live
        self.live = fresh
        return gone

"""An index that a worker takes from published snapshots and keeps fresh from `item_embeddings`."""

from __future__ import annotations

from collections.abc import Callable

from palate.config import Settings
from palate.retrieval.checks import Checks
from palate.retrieval.index.base import VectorIndex
from palate.retrieval.indexer import Topic
from palate.retrieval.replica import Replica
from palate.retrieval.settings import retrieval_settings
from palate.retrieval.snapshot import Snapshots
from palate.serve.counters import Counters
from palate.serve.spaces import ServedNets

__all__ = ["ReplicaIndex"]


class ReplicaIndex:
    """A `SpaceIndex` over a `Replica` of one space, whose nets never change.

    Args:
        nets: Of the space.
        topic: Opens `item_embeddings`; StoreError while the embedder has not made it yet.
        snapshots: Where the newest index is.
        settings: `[retrieval]`.
        counters: Snapshots that are refused are counted there.
        number: Of this worker, from 0: the later load later.
        waits: Whether the first snapshot is loaded later as well: another space answers.
    """

    def __init__(
        self,
        nets: ServedNets,
        topic: Callable[[], Topic],
        snapshots: Snapshots,
        settings: Settings,
        counters: Counters,
        *,
        number: int = 0,
        waits: bool = False,
    ) -> None:
        self._nets = nets
        self._topic = topic
        self._snapshots = snapshots
        self._own = retrieval_settings(settings)
        self._counters = counters
        self._number = number
        self._waits = waits
        self._replica: Replica[ServedNets] | None = None

    @property
    def index(self) -> VectorIndex | None:
        """What answers now; None before the first snapshot was loaded."""
        live = None if self._replica is None else self._replica.live
        return None if live is None else live.index

    @property
    def snapshot(self) -> str:
        """The key of the snapshot that the index began with; empty before there is one."""
        live = None if self._replica is None else self._replica.live
        return "" if live is None else live.snapshot

    def refresh(self) -> bool:
        """Load the newest snapshot, where it is not what answers.

        Raises:
            StoreError: The pointer cannot be read.
        """
        if self._snapshots.pointed(self._nets.space) is None:
            return False  # so there is perhaps no topic either
        if self._replica is None:
            self._replica = Replica(
                self._topic(),
                self._snapshots,
                lambda: self._nets,
                number=self._number,
                stagger_s=self._own.stagger_s,
                waits=self._waits,
                checks=Checks(self._own.least_share, self._own.least_overlap),
            )
        refused = self._replica.refused
        switched = self._replica.refresh()
        if self._replica.refused > refused:  # the replica's log line says why
            self._counters.snapshot_refused()
        return switched

    def follow(self) -> int:
        """Apply what was published since; how many records.

        Raises:
            LogError: The topic cannot be read.
        """
        return 0 if self._replica is None else self._replica.follow()

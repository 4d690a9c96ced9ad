"""Which indexes a worker has, and where it takes them from."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

from palate.config import Settings
from palate.events.log.base import EventLog
from palate.features.state import State
from palate.pipeline.surface import Surface
from palate.retrieval.embeddings import open_embeddings
from palate.retrieval.processes import open_snapshots
from palate.retrieval.settings import retrieval_settings
from palate.retrieval.shared_pages import SharedPages
from palate.serve.counters import Counters
from palate.serve.own_index import OwnIndex
from palate.serve.replica_index import ReplicaIndex
from palate.serve.spaces import ServedNets, SpaceIndex, Spaces
from palate.store.chosen import open_pointer

__all__ = ["open_spaces", "wants_spaces"]


def wants_spaces(settings: Settings, surfaces: Mapping[str, Surface]) -> bool:
    """Whether somebody may be answered by nets: a surface has sources, or there is `[retrieval]`.

    Else nothing is embedded, and a service costs what it costs without nets.
    """
    return bool(settings.retrieval) or any(one.has_pipeline for one in surfaces.values())


def open_spaces(
    settings: Settings,
    surfaces: Mapping[str, Surface],
    log: EventLog,
    state: State,
    opened: ExitStack,
    counters: Counters,
    *,
    replica: int | None,
) -> Spaces | None:
    """The indexes of one worker; None where it wants none.

    Args:
        settings: All of them.
        surfaces: By name.
        log: Of events.
        state: That follows it.
        opened: Closes what was opened.
        counters: Of this process.
        replica: The number of this worker, where embedder and indexer work for all of them;
            None makes indexes here.

    Raises:
        ConfigError: `[retrieval]` has an impossible value.
    """
    own = retrieval_settings(settings)
    if not wants_spaces(settings, surfaces):
        return None
    if replica is None:
        return Spaces(lambda nets, waits: OwnIndex(nets, state, log, own.metric))
    pointer = open_pointer(settings.home, settings)
    opened.callback(pointer.close)
    snapshots = open_snapshots(settings, pointer)
    topics: list[SharedPages] = []

    def topic() -> SharedPages:
        """Opened once, when the embedder has made it."""
        if not topics:
            log = open_embeddings(settings.home, read_only=True)
            opened.callback(log.close)
            topics.append(SharedPages(log))
        return topics[0]

    def replicated(nets: ServedNets, *, waits: bool) -> SpaceIndex:
        return ReplicaIndex(nets, topic, snapshots, settings, counters, number=replica, waits=waits)

    return Spaces(replicated)

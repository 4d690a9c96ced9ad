"""What the processes of the roles `embedder` and `indexer` do from their start to their end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Final, Protocol, TypeVar

from palate.config import Settings
from palate.errors import StoreError
from palate.events.log.base import EventLog
from palate.events.log.sqlite import SqliteEventLog
from palate.features.ingest import open_log, open_state
from palate.features.state import State
from palate.release.registry import Releases
from palate.retrieval.askers import Askers, ReleasedAskers
from palate.retrieval.builder import Builder
from palate.retrieval.casting import Casting, Encoders, ReleasedEncoders
from palate.retrieval.embedder import Embedder
from palate.retrieval.embeddings import open_embeddings
from palate.retrieval.encoder import BrokenEncoderError
from palate.retrieval.indexer import TopicTrimmedError
from palate.retrieval.settings import RetrievalSettings, retrieval_settings
from palate.retrieval.snapshot import Snapshots
from palate.retrieval.spaces import Space, Spaces
from palate.store.base import Pointer
from palate.store.chosen import open_pointer
from palate.store.database import REGISTRY, Database
from palate.store.folder_store import FolderStore

__all__ = ["open_snapshots", "run_embedder", "run_indexer", "trim_embeddings"]


class _Closes(Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=_Closes)

_LOOK_S: Final = 1.0  # between two looks at aliases, spaces, and files that are not there yet
_TRIM_S: Final = 30.0
_TRIM_STEPS: Final = 20_000  # offsets looked at in one go
_AGAIN_S: Final = 10.0  # before the only net, which embedded nothing, is tried again

logger = logging.getLogger(__name__)


def run_embedder(
    settings: Settings,
    stop: threading.Event,
    *,
    encoders: Encoders | None = None,
    pointer: Pointer | None = None,
) -> None:
    """Embed items as they change, until `stop` is set.

    It waits for the event log and the state where they are not there yet. Faults of a disk or a
    net are logged, and it goes on when they are over.

    Args:
        settings: `home` and `[retrieval]`.
        stop: Set to end it; it ends within a micro-batch.
        encoders: Which nets; by default those of the releases that an alias names.
        pointer: Where spaces and snapshots are agreed on; by default what the settings say.
            Not closed.

    Raises:
        LogError: Another process embeds for this home, or the topic is another log's.
        ConfigError: `[retrieval]` has an impossible value.
    """
    own, home = retrieval_settings(settings), settings.home
    with ExitStack() as opened:
        topic = open_embeddings(home, read_only=False, durability=settings.log.durability)
        opened.callback(topic.close)
        items = _when_there(lambda: open_log(home, settings, read_only=True), stop, opened)
        state = _when_there(lambda: open_state(home, settings, read_only=True), stop, opened)
        if items is None or state is None:
            return
        pointer = pointer or _when_there(lambda: open_pointer(home, settings), stop, opened)
        if pointer is None:
            return
        database = Database(home / REGISTRY)
        opened.callback(database.close)
        objects = FolderStore(home / "objects")
        snapshots = Snapshots(objects, pointer, keep=own.keep)
        snapshots.withdraw_beyond(topic.head())
        embedder = Embedder(items, state, topic, pointer, batch=own.batch)
        wanted = encoders or ReleasedEncoders(Releases(database, objects))
        casting = Casting(embedder, wanted, snapshots, both_s=own.both_s)
        turn = _EmbedderTurn(embedder, casting, state, topic, snapshots)
        while not stop.is_set():
            done = turn(stop)
            if done < own.batch:
                stop.wait(own.wait_s)


def run_indexer(
    settings: Settings,
    stop: threading.Event,
    *,
    askers: Askers | None = None,
    pointer: Pointer | None = None,
) -> None:
    """Build the index of every space that is embedded and publish snapshots, until `stop` is set.

    Args:
        settings: `home` and `[retrieval]`.
        stop: Set to end it; where lists are being built anew, that is finished first.
        askers: What people look for; by default as the releases keep it that an alias names.
        pointer: Where spaces and snapshots are agreed on; by default what the settings say.
            Not closed.

    Raises:
        ConfigError: `[retrieval]` has an impossible value.
    """
    own, home = retrieval_settings(settings), settings.home
    with ExitStack() as opened:
        topic = _when_there(lambda: open_embeddings(home, read_only=True), stop, opened)
        if topic is None:
            return
        pointer = pointer or _when_there(lambda: open_pointer(home, settings), stop, opened)
        if pointer is None:
            return
        objects = FolderStore(home / "objects")
        if askers is None:
            database = Database(home / REGISTRY)
            opened.callback(database.close)
            askers = ReleasedAskers(ReleasedEncoders(Releases(database, objects)))
        snapshots = Snapshots(objects, pointer, keep=own.keep)
        turn = _IndexerTurn(topic, Spaces(pointer), snapshots, own, askers)
        while not stop.is_set():
            turn()
            stop.wait(_LOOK_S)


def open_snapshots(settings: Settings, pointer: Pointer) -> Snapshots:
    """The snapshots of `settings.home`, as a worker's replica follows them.

    Raises:
        ConfigError: `[retrieval]` has an impossible value.
    """
    keep = retrieval_settings(settings).keep
    return Snapshots(FolderStore(settings.home / "objects"), pointer, keep=keep)


def trim_embeddings(
    topic: SqliteEventLog, spaces: Mapping[str, Space], snapshots: Snapshots
) -> int:
    """Drop a little of what no snapshot needs any more; how many records.

    Kept is all from the oldest snapshot that is pointed to, in any space; of a space without one,
    all of its records. A consumer group of somebody else holds it back, too.

    Raises:
        StoreError: The topic cannot be written, or a pointer not read.
    """
    needed: list[int] = []
    for name, space in spaces.items():
        found = snapshots.pointed(name)
        needed.append(space.since if found is None else found[0].replay_from)
    return topic.trim(min(needed) + 1, steps=_TRIM_STEPS) if needed else 0


class _EmbedderTurn:
    """One turn of the embedder: look at what is wanted, embed a batch, drop what is old."""

    def __init__(
        self,
        embedder: Embedder,
        casting: Casting,
        state: State,
        topic: SqliteEventLog,
        snapshots: Snapshots,
    ) -> None:
        self._embedder = embedder
        self._casting = casting
        self._state = state
        self._topic = topic
        self._snapshots = snapshots
        self._ready = False
        self._look_at = self._trim_at = 0.0

    def __call__(self, stop: threading.Event) -> int:
        """How many items it published; waits after a fault."""
        now = time.monotonic()
        try:
            # A state that is being made says of few items that they are all.
            if now >= self._look_at and (self._embedder.position or self._state.is_readable()):
                self._ready = self._casting.renew()
                self._look_at = now + _LOOK_S
            done = self._embedder.step() if self._ready else 0
            if now >= self._trim_at:
                trim_embeddings(self._topic, self._embedder.spaces, self._snapshots)
                self._trim_at = now + _TRIM_S
        except BrokenEncoderError as error:
            logger.error("%s", error)
            if not self._casting.leave_out(error.space):
                stop.wait(_AGAIN_S)
            return 0
        except StoreError as error:
            logger.error("items are not embedded: %s", error)
            stop.wait(_LOOK_S)
            return 0
        return done


class _IndexerTurn:
    """One turn of the indexer: every space catches up and publishes what is due."""

    def __init__(
        self,
        topic: EventLog,
        spaces: Spaces,
        snapshots: Snapshots,
        own: RetrievalSettings,
        askers: Askers,
    ) -> None:
        self._topic = topic
        self._spaces = spaces
        self._snapshots = snapshots
        self._own = own
        self._askers = askers
        self._builders: dict[str, Builder] = {}

    def __call__(self) -> None:
        """A fault of one space stops no other."""
        try:
            known, _ = self._spaces.read()
        except StoreError as error:
            logger.error("the indexer does not know the spaces: %s", error)
            return
        self._builders = {name: one for name, one in self._builders.items() if name in known}
        for name, space in known.items():
            try:
                if name not in self._builders:
                    self._builders[name] = self._begun(name, space)
                self._builders[name].step(space)
            except TopicTrimmedError as error:
                logger.warning("%s", error)
                self._builders.pop(name, None)
            except StoreError as error:
                logger.error("space %s is not indexed: %s", name, error)

    def _begun(self, name: str, space: Space) -> Builder:
        return Builder(self._topic, self._snapshots, name, space, self._own, self._askers)


def _when_there(open_it: Callable[[], T], stop: threading.Event, opened: ExitStack) -> T | None:
    """What `open_it` opens, once it can; None where `stop` is set before."""
    said = False
    while not stop.is_set():
        try:
            found = open_it()
        except StoreError as error:
            if not said:
                logger.warning("waiting: %s", error)
            said = True
            stop.wait(_LOOK_S)
        else:
            opened.callback(found.close)
            return found
    return None

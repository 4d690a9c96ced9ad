"""Ingest: an event is acknowledged once it is in the log and in its user's or item's state."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from palate.config import Settings
from palate.errors import PalateError
from palate.events.identity import complete, now_us
from palate.events.log.base import Appended, EventLog, Record
from palate.events.log.sqlite import SqliteEventLog
from palate.events.schema import Event
from palate.features.state import State
from palate.store.lmdb_store import LmdbStore
from palate.types import Progress, Verdict

__all__ = ["Ingest", "open_ingest", "open_log", "open_state"]


class Ingest:
    """The one writer of a log and of the state that follows it. Threads may share it.

    Args:
        log: Open for writing.
        state: Brought up to the log's head before anything is appended.
    """

    def __init__(self, log: EventLog, state: State) -> None:
        self.log = log
        self.state = state
        self._lock = threading.Lock()
        self._behind = True  # whether the log may hold what the state does not

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, events: Sequence[Event]) -> list[Appended]:
        """Append to the log, then apply to the state; acknowledged when it returns.

        An event without an id gets one, and one without a time happened now. If the state
        cannot be written the batch is in the log but not acknowledged, and the next call
        first brings the state up to date: whoever sends again gets `duplicate`.

        Raises:
            EventError: An event can never enter the log; nothing was appended.
            StoreError: A disk is full or a file damaged.
        """
        at_us = now_us()
        whole = [complete(event, at_us) for event in events]
        with self._lock:
            if self._behind:
                self.state.catch_up(self.log)
                self._behind = False
            appended = self.log.append(whole)
            self._behind = True
            self.state.apply(
                [
                    Record(done.offset, event)
                    for done, event in zip(appended, whole, strict=True)
                    if done.verdict is Verdict.ACCEPTED
                ]
            )
            self._behind = False
        return appended

    def close(self) -> None:
        """Close the log and the state."""
        with self._lock:
            self.state.close()
            self.log.close()


def open_log(home: Path, settings: Settings, *, read_only: bool) -> SqliteEventLog:
    """The event log of `home`, at `events/log.sqlite`.

    Raises:
        LogError: Another process owns it; it is missing (read-only), damaged, or of another
            version.
    """
    return SqliteEventLog(
        home / "events" / "log.sqlite",
        durability=settings.log.durability,
        dedup_window_s=settings.log.dedup_window_s,
        read_only=read_only,
    )


def open_state(home: Path, settings: Settings, *, read_only: bool) -> State:
    """The state of `home`, in `state/`.

    Raises:
        StoreError: It is missing (read-only) or damaged.
    """
    store = LmdbStore(home / "state", read_only=read_only)
    return State(store, settings.schema_, settings.serve.history_limit)


def open_ingest(home: Path, settings: Settings, progress: Progress | None = None) -> Ingest:
    """Own the log of `home` and bring its state up to date.

    Args:
        home: The folder of Palate's files.
        settings: Durability, window, history limit, schema.
        progress: Called while the log is replayed.

    Raises:
        LogError: Another process owns the log.
        StoreError: The log or the state is damaged, or they do not belong together.
    """
    log = open_log(home, settings, read_only=False)
    try:
        state = open_state(home, settings, read_only=False)
        try:
            state.catch_up(log, progress)
        except PalateError:
            state.close()
            raise
    except PalateError:
        log.close()
        raise
    return Ingest(log, state)

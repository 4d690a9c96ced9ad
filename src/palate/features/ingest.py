"""Ingest: an event is acknowledged once it is in the log and in its user's or item's state."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from palate.config import Settings
from palate.events.dead_letters import DeadLetter, DeadLetters
from palate.events.forgotten import Forgotten, open_forgotten
from palate.events.identity import complete, now_us
from palate.events.log.base import Appended, EventLog, Record
from palate.events.log.sqlite import SqliteEventLog
from palate.events.schema import Event
from palate.features.state import State
from palate.features.upkeep import Upkeep
from palate.store.backup import finish_restore
from palate.store.base import OnlineStore
from palate.store.chosen import open_online_store
from palate.store.lmdb_store import LmdbStore
from palate.store.reflects import OutOfStepError
from palate.types import Progress, Verdict

if TYPE_CHECKING:
    from palate.features.profile.refresh import PriorRefresh

__all__ = [
    "Ingest",
    "open_base",
    "open_dead_letters",
    "open_ingest",
    "open_log",
    "open_state",
    "state_in",
]

logger = logging.getLogger(__name__)

_REFUSED: Final = Appended(Verdict.INVALID, 0)  # its person was forgotten


class Ingest:
    """The one writer of a log and of the state that follows it. Threads may share it.

    Args:
        log: Open for writing.
        state: Brought up to the log's head before anything is appended.
        upkeep: Drops what the log need not keep.
        dead_letters: Keeps what was refused; open for writing.
        forgotten: Knows whose events are refused.
        averages: Learns the average person now and then.
        base: Opens what stands for the beginning of the log where it was trimmed; None where
            nothing was. It is asked where the state came back without what it held.
    """

    def __init__(
        self,
        log: EventLog,
        state: State,
        *,
        upkeep: Upkeep | None = None,
        dead_letters: DeadLetters | None = None,
        forgotten: Forgotten | None = None,
        averages: PriorRefresh | None = None,
        base: Callable[[], State | None] = lambda: None,
    ) -> None:
        self.log = log
        self.state = state
        self.forgotten = forgotten
        self._upkeep = upkeep
        self._averages = averages
        self._dead_letters = dead_letters
        self._lock = threading.Lock()
        self.chores = threading.Lock()  # one at a time of what is done beside appending
        self._base = base
        self._behind = True  # whether the log may hold what the state does not
        self._reached = 0  # the offset that the state reflects, unless it is behind

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, events: Sequence[Event]) -> list[Appended]:
        """Append to the log, then apply to the state; acknowledged when it returns.

        An event without an id gets one, and one without a time happened now. If the state
        cannot be written the batch is in the log but not acknowledged, and the next call
        first brings the state up to date: whoever sends again gets `duplicate`. An event of
        somebody who was forgotten is `invalid`, and nothing of it is kept.

        Raises:
            EventError: An event can never enter the log; nothing was appended.
            StoreError: A disk is full or a file damaged.
        """
        at_us = now_us()
        whole = [complete(event, at_us) for event in events]
        with self._lock:
            if self._behind:
                self._catch_up()
            forgotten = self.forgotten
            if forgotten is None:
                return self._write(whole)
            forgotten.take_in(whole, at_us)
            welcome = [event for event in whole if not forgotten.refuses(event)]
            written = self._write(welcome)
            forgotten.found(welcome, [done.offset for done in written])
        if len(welcome) == len(whole):
            return written
        results = iter(written)
        return [_REFUSED if forgotten.refuses(event) else next(results) for event in whole]

    def _write(self, whole: list[Event]) -> list[Appended]:
        appended = self.log.append(whole)
        self._behind = True
        records = [
            Record(done.offset, event)
            for done, event in zip(appended, whole, strict=True)
            if done.verdict is Verdict.ACCEPTED
        ]
        try:
            self.state.apply(records, after=self._reached)
        except OutOfStepError as error:
            logger.warning("%s", error)
            self._catch_up()
            return appended
        self._reached = records[-1].offset if records else self._reached
        self._behind = False
        return appended

    def catch_up(self) -> bool:
        """Bring the state to the log's head; whether it was behind.

        It is where a write to it failed, or its server came back older than it was. Appends of
        other threads wait.

        Raises:
            StoreError: The state cannot be written, or the log not read; call again.
        """
        if not self._behind and self.state.offset() == self._reached:
            return False  # without the lock, which an append of the service would wait for
        with self._lock:
            found = self.state.offset()
            if self._behind or found != self._reached:
                self._catch_up()
            return found != self._reached

    def _catch_up(self) -> None:
        self._behind = True
        base = self._base()
        try:
            self.state.catch_up(self.log, base=base)
        finally:
            if base is not None:
                base.close()
        self._reached = self.state.offset()
        self._behind = False

    def refuse(self, letters: Sequence[DeadLetter]) -> None:
        """Keep what was refused; durable when it returns. Nothing of anybody who was forgotten.

        Raises:
            LogError: It cannot be written.
        """
        if self._dead_letters is not None:
            forgotten = self.forgotten
            self._dead_letters.add(
                [one for one in letters if forgotten is None or not forgotten.refuses_raw(one.raw)]
            )

    def settle(self, numbers: Sequence[int]) -> None:
        """Drop dead letters that were replayed or are wanted no more.

        Raises:
            LogError: It cannot be written.
        """
        if self._dead_letters is not None:
            self._dead_letters.remove(numbers)

    def keep_up(self, now_us: int) -> bool:
        """Drop a little of what the log need not keep, or learn a little of the average person.

        Whether there is more to do at once.

        Appends of other threads go on beside it.

        Args:
            now_us: Microseconds since 1970 UTC.

        Raises:
            StoreError: A file cannot be written; nothing was dropped that is still needed.
        """
        with self.chores:
            more = self._upkeep is not None and self._upkeep.step(now_us)
            if self._averages is not None:
                more |= self._averages.step(now_us)
            return more

    def checkpoint(self) -> None:
        """Have the log's files in order before an append must see to it; appends go on beside it.

        Raises:
            LogError: The disk is full.
        """
        if isinstance(self.log, SqliteEventLog):
            self.log.checkpoint()

    def close(self) -> None:
        """Close the log, the state, and what is kept beside them."""
        with self._lock:
            if self._upkeep is not None:
                self._upkeep.close()
            if self._dead_letters is not None:
                self._dead_letters.close()
            if self.forgotten is not None:
                self.forgotten.close()
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
    """The state of `home`: in `state/`, or on the server that the settings name.

    Raises:
        StoreAwayError: The server does not answer.
        StoreError: It is missing (read-only) or damaged.
    """
    return state_in(open_online_store(home, settings, read_only=read_only), settings)


def open_base(home: Path, settings: Settings) -> State:
    """The base of the state of `home`, in `base/`: what was dropped from the log is in it.

    Raises:
        StoreError: It is damaged.
    """
    return state_in(LmdbStore(home / "base", durable=True), settings)


def state_in(store: OnlineStore, settings: Settings) -> State:
    """A state as the settings want it, in any store."""
    profile = None
    if settings.profile is not None:
        from palate.features.profile.definition import ProfileDefinition

        profile = ProfileDefinition.of(
            settings.schema_,
            half_life_days=settings.profile.half_life_days,
            attributes=settings.profile.attributes,
        )
    return State(store, settings.schema_, settings.serve.history_limit, profile=profile)


def open_dead_letters(home: Path, settings: Settings, *, read_only: bool) -> DeadLetters:
    """What was refused, at `events/dead.sqlite`.

    Raises:
        LogError: It is missing (read-only), damaged, or of another version.
    """
    return DeadLetters(
        home / "events" / "dead.sqlite",
        most=settings.log.dead_letters_max,
        most_bytes=settings.log.dead_letters_max_bytes,
        read_only=read_only,
    )


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
    finish_restore(home)
    with ExitStack() as opened:  # closed again where something fails
        log = open_log(home, settings, read_only=False)
        opened.callback(log.close)
        state = open_state(home, settings, read_only=False)
        opened.callback(state.close)

        def find_base() -> State | None:
            kept = (home / "base" / "data.mdb").exists()
            return open_base(home, settings) if kept else None

        base = find_base()
        if base is not None:
            opened.callback(base.close)
        state.catch_up(log, progress, base=base)
        letters = open_dead_letters(home, settings, read_only=False)
        upkeep = Upkeep(log, state, lambda: open_base(home, settings), settings.log)
        if base is not None:
            base.close()  # upkeep opens one of its own
        opened.callback(letters.close)
        forgotten = open_forgotten(home, settings.privacy)
        opened.pop_all()
    averages = None
    if settings.profile is not None:
        from palate.features.profile.refresh import PriorRefresh

        averages = PriorRefresh(
            state.profiles, people=settings.profile.prior_people, hours=settings.profile.prior_hours
        )
    return Ingest(
        log,
        state,
        upkeep=upkeep,
        dead_letters=letters,
        forgotten=forgotten,
        averages=averages,
        base=find_base,
    )

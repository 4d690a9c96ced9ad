"""Erases those who were forgotten: from log, dead letters, state and base; then from every file.

`user.forgotten` has taken them out of the state and of every answer when it was acknowledged. What
follows is done by the log's owner between two appends, a step at a time, and begins again after a
crash: the log itself says who is still to be erased.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from palate.config import Settings
from palate.events.forgotten import Erasure, Forgotten
from palate.events.identity import uuid7
from palate.events.log.base import Record, batches
from palate.events.log.people import People, blank, erase
from palate.events.log.sqlite import SqliteEventLog
from palate.events.rewrite import rewrite
from palate.events.schema import BY, USER_FORGOTTEN, Event
from palate.features.changes import Puts, forgetting
from palate.features.ingest import Ingest, open_base, open_dead_letters
from palate.privacy.letters import letters_about
from palate.privacy.people import people_of
from palate.store.lmdb_store import LmdbStore
from palate.store.redis_store import RedisStore

__all__ = ["Eraser"]

_STEP: Final = 20_000  # offsets looked at in one transaction: some ten milliseconds


@dataclass
class _Pass:
    """One way through the log for all who were forgotten before it began.

    Attributes:
        digests: Of those people.
        offsets: Of the records that name them.
        people: Who they are.
        gone: What that means for a state.
        after: Done up to this offset.
        upto: The head at the beginning.
    """

    digests: list[bytes]
    offsets: list[int]
    people: People
    gone: Puts
    after: int
    upto: int


class Eraser:
    """Does what is left to do about people who were forgotten.

    Args:
        ingest: Owns the log, and knows who was forgotten.
        home: Of Palate's files.
        settings: Where files are, and how they are opened.
    """

    def __init__(self, ingest: Ingest, home: Path, settings: Settings) -> None:
        assert ingest.forgotten is not None
        assert isinstance(ingest.log, SqliteEventLog)
        self._ingest = ingest
        self._log: SqliteEventLog = ingest.log
        self._forgotten: Forgotten = ingest.forgotten
        self._home = home
        self._settings = settings
        self._pass: _Pass | None = None
        self._cleaning: Iterator[None] | None = None

    def step(self, now_us: int) -> bool:
        """Do a little; whether there is more to do at once.

        Args:
            now_us: Microseconds since 1970 UTC; files are cleaned when an erasure is due.

        Raises:
            StoreError: A file cannot be written; what was not done is done by a later call.
        """
        if self._cleaning is not None:
            return self._clean_on(self._cleaning)
        if self._pass is None:
            unfinished = self._forgotten.unfinished()
            waiting = [erasure for erasure in unfinished if erasure.erased_us is None]
            if waiting:
                self._begin(waiting, now_us)
                return True
            if unfinished and unfinished[0].due_us <= now_us:
                self._cleaning = self._clean(unfinished, now_us)
                return True
            return False
        self._go_on(self._pass, now_us)
        return True

    def finish(self, now_us: int) -> None:
        """Do all that is left to do at `now_us`."""
        while self.step(now_us):
            pass

    # ------------------------------------------------------------------ records

    def _begin(self, waiting: Sequence[Erasure], now_us: int) -> None:
        records = self._naming(waiting)
        events = [record.event for record in records]
        people = People(
            tuple({e.user_id for e in events if e.user_id is not None}),
            tuple({e.anonymous_id for e in events if e.anonymous_id is not None}),
        )
        self._forget_visitors(people)
        gone: Puts = {}
        for event in events:
            gone |= forgetting(event)
        self._pass = _Pass(
            [erasure.digest for erasure in waiting],
            [record.offset for record in records],
            people,
            gone,
            0,
            self._log.head() if records else 0,
        )

    def _naming(self, waiting: Sequence[Erasure]) -> list[Record]:
        """The records that name them. One that never came into the log was never acknowledged."""
        digests = {erasure.digest for erasure in waiting}
        if any(erasure.offset is None for erasure in waiting):  # killed at that very moment
            found = [r for page in batches(self._log, events=(USER_FORGOTTEN,)) for r in page]
        else:
            offsets = sorted({erasure.offset or 0 for erasure in waiting})
            found = [r for at in offsets for r in self._log.read(at - 1, limit=1) if r.offset == at]
        return [
            r
            for r in found
            if r.event.event == USER_FORGOTTEN
            and not digests.isdisjoint(self._forgotten.digests_of([r.event]))
        ]

    def _forget_visitors(self, people: People) -> None:
        """Forget those too who were identified as these users in the meantime."""
        found: list[str] = []
        for user_id in people.users:
            theirs = people_of(user_id, self._home, self._ingest.state).visitors
            found += [v for v in theirs if self._ingest.state.linked(v) == user_id]
        if found:
            self._ingest.append(
                [
                    Event(
                        event=USER_FORGOTTEN,
                        event_id=uuid7(),
                        anonymous_id=visitor,
                        context={BY: "erasure"},
                    )
                    for visitor in found
                ]
            )

    def _go_on(self, one: _Pass, now_us: int) -> None:
        if one.after < one.upto:
            end = min(one.after + _STEP, one.upto)
            self._log.erase(lambda writer: erase(writer, one.people, one.after, end))
            one.after = end
            return
        with open_dead_letters(self._home, self._settings, read_only=False) as letters:
            letters.remove([letter.number for letter in letters_about(letters, one.people)])
        self._ingest.state.erase(one.gone)
        if self._has_base:
            with closing(open_base(self._home, self._settings)) as base:
                base.erase(one.gone)
        self._log.erase(lambda writer: blank(writer, one.offsets))
        self._forgotten.erased(one.digests, now_us)
        self._pass = None

    # ------------------------------------------------------------------ bytes

    def _clean_on(self, cleaning: Iterator[None]) -> bool:
        self._cleaning = None  # unless it goes on: a failure begins all of it again
        for _ in cleaning:
            self._cleaning = cleaning
            return True
        return False

    def _clean(self, erased: Sequence[Erasure], now_us: int) -> Iterator[None]:
        """Write every file anew that held something; appends come in between two steps."""
        while not self._log.rewrite():
            yield
        # At most `log.dead_letters_max_bytes`: some tenths of a second.
        dead = self._home / "events" / "dead.sqlite"
        with closing(sqlite3.connect(dead, isolation_level=None)) as connection:
            rewrite(connection, dead)
        yield from _rewriting(self._ingest.state.store)
        if self._has_base:
            with closing(open_base(self._home, self._settings)) as base:
                yield from _rewriting(base.store)
        self._forgotten.cleaned([erasure.digest for erasure in erased], now_us)

    @property
    def _has_base(self) -> bool:
        return (self._home / "base" / "data.mdb").exists()


def _rewriting(store: object) -> Iterator[None]:
    """Other stores keep nothing of what was deleted."""
    if isinstance(store, (LmdbStore, RedisStore)):
        yield from store.rewriting()

"""Retention and compaction of a log, a small step at a time, while it is being written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from palate.config import LogSettings
from palate.errors import StoreError
from palate.events.log.sqlite import SqliteEventLog
from palate.features.state import State

__all__ = ["Upkeep"]

DAY_US: Final = 86_400_000_000
STEP: Final = 2_000  # offsets or records that one step looks at: some ten milliseconds


class Upkeep:
    """Drops what the settings say may go, and nothing that the state needs to be rebuilt.

    The state is a function of the log. So, before what people did is dropped, it is taken into
    a second state, the base, which is flushed to disk; a rebuild begins with the base and goes
    on with the log from where the base ends. Old versions of an item or user need no base: the
    newest says all. A tombstone goes only from where the base stands for the log.

    Args:
        log: Open for writing.
        state: Nothing that it does not reflect is dropped.
        base: Opens the base; called once something is to be dropped.
        settings: How long things are kept.
    """

    def __init__(
        self,
        log: SqliteEventLog,
        state: State,
        base: Callable[[], State],
        settings: LogSettings,
    ) -> None:
        self._log = log
        self._state = state
        self._open_base = base
        self._base: State | None = None
        self._settings = settings

    def step(self, now_us: int) -> bool:
        """Do a little; whether there is more to do at once.

        Args:
            now_us: Microseconds since 1970 UTC.

        Raises:
            StoreError: A file cannot be written; nothing was dropped that is still needed.
        """
        return self._expire(now_us) or self._compact(now_us) or self._bury(now_us)

    def _expire(self, now_us: int) -> bool:
        days = self._settings.retention_days
        if days == 0:
            return False  # for ever
        upto = min(self._received(now_us, days), self._passed())
        start = self._log.start()
        if upto < start:
            return False
        base = self._opened()
        if base.offset() < upto:
            records = self._log.read(base.offset(), limit=STEP)
            full = len(records) == STEP and records[-1].offset < upto
            end = records[-1].offset if full else upto
            base.apply([record for record in records if record.offset <= end], upto=end)
            return True
        self._log.trim(upto + 1, steps=STEP)
        return self._log.start() <= upto

    def _compact(self, now_us: int) -> bool:
        upto = min(self._received(now_us, self._settings.versions_days), self._passed())
        return self._log.compact(upto, steps=STEP).more

    def _bury(self, now_us: int) -> bool:
        upto = min(self._received(now_us, self._settings.tombstones_days), self._log.start() - 1)
        return self._log.bury(upto, steps=STEP).more

    def _received(self, now_us: int, days: float) -> int:
        """The offset up to which all was received so long ago."""
        return self._log.offset_before(now_us - round(days * DAY_US))

    def _passed(self) -> int:
        """The offset up to which the state and every group are done."""
        return min(self._state.offset(), self._log.passed())

    def _opened(self) -> State:
        if self._base is None:
            base = self._open_base()
            if self._log.start() == 1 and not base.is_readable():
                base.store.clear()  # nothing was dropped yet: it can be made again
            _check(base, self._log)
            base.profiles.settle(self._log, base.offset())
            self._base = base
        return self._base

    def close(self) -> None:
        """Close the base, where it was opened."""
        if self._base is not None:
            self._base.close()


def _check(base: State, log: SqliteEventLog) -> None:
    """Whether `base` is this log's: all that was dropped is in it."""
    if not base.is_readable():
        base.close()
        raise StoreError(
            "another version of Palate wrote the state's base: nothing is dropped from the log",
            hint="use that version, or set log.retention_days to 0",
        )
    if not log.start() - 1 <= base.offset() <= log.head():
        reached = base.offset()
        base.close()
        raise StoreError(
            f"the state's base reflects offset {reached}, but the log begins at {log.start()} "
            f"and ends at {log.head()}: nothing is dropped from it",
            hint="the log or the base was replaced: palate restore puts both back",
        )

"""How far log, state and consumer groups are, and what the disk has left."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from palate.events.log.sqlite import SqliteEventLog
from palate.features.state import State

__all__ = ["Standing"]


@dataclass(frozen=True, slots=True)
class Standing:
    """A moment's view; read from the files, so that it is the same in every process.

    Attributes:
        head: The log's newest offset.
        applied: The offset that the state reflects.
        committed: By consumer group, the offset up to which it is done.
        free_bytes: Of the disk that holds home.
    """

    head: int
    applied: int
    committed: Mapping[str, int]
    free_bytes: int

    @classmethod
    def of(cls, home: Path, log: SqliteEventLog, state: State) -> Standing:
        """How things stand now.

        Raises:
            StoreError: The log or the state cannot be read.
        """
        committed = {group.name: group.committed for group in log.groups()}
        head = log.head()  # before the state: what is applied meanwhile makes it no laggard
        return cls(head, state.offset(), committed, shutil.disk_usage(home).free)

    @property
    def behind(self) -> int:
        """How many offsets the state lags behind the log."""
        return max(0, self.head - self.applied)

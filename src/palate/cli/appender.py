"""Appending many events from the command line, in batches, with a count of what was new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from palate.events.log.base import Appended
    from palate.events.schema import Event
    from palate.types import Progress

__all__ = ["Appender", "Counts", "append_all"]

BATCH = 5_000  # events acknowledged at once


class Appender(Protocol):
    """The log's owner: this process, or the writer of a running service."""

    def append(self, events: Sequence[Event]) -> list[Appended]:
        """Append in order; acknowledged when it returns."""
        ...


@dataclass(frozen=True)
class Counts:
    """What became of many events."""

    accepted: int = 0
    duplicate: int = 0

    def __str__(self) -> str:
        return f"{self.accepted:,} new, {self.duplicate:,} duplicates"


def append_all(
    appender: Appender, events: Iterable[Event], *, total: int, progress: Progress
) -> Counts:
    """Append `events` in batches; the event ids make a second time harmless.

    Args:
        appender: Takes them.
        events: In order.
        total: How many there are, for the progress.
        progress: Told of every batch.
    """
    from palate.types import Verdict

    accepted = duplicate = 0
    pending = iter(events)
    while batch := list(islice(pending, BATCH)):
        verdicts = [appended.verdict for appended in appender.append(batch)]
        accepted += verdicts.count(Verdict.ACCEPTED)
        duplicate += verdicts.count(Verdict.DUPLICATE)
        progress(accepted + duplicate, total, "appending events")
    return Counts(accepted, duplicate)

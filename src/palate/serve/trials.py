"""How often exploration tried each item, and how often that was taken: for Thompson sampling.

Each worker follows the log's tail. A *try* is a place of a logged slate that was drawn, though
there may have been one item to draw: items are compared at the same places. It was *taken* if
an event of a positive weight names the slate's `request_id` and the item; a second one changes
nothing.

What is counted lies within the last quarter of a million offsets of the log, in stretches that come
and go as a whole. So the counts are a function of the log up to where it was read: every worker has
the same ones, and a worker that starts reads that far back and has them too. Each record costs the
same time, and memory is bounded by tries, not by the catalogue.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from palate.config import Schema, Settings
from palate.errors import EventError
from palate.events.log.base import EventLog, Record
from palate.events.schema import SERVED
from palate.events.served import slate_of
from palate.pipeline.rerank import Explore
from palate.pipeline.surface import Surface
from palate.types import Float64Array

__all__ = ["ServedTrials", "open_trials"]

STRETCHES: Final = 16
_OFFSETS: Final = 1 << 14  # of the log in one stretch; as many tries are counted there, at most
_TAIL: Final = 500  # records read at once, some milliseconds

logger = logging.getLogger(__name__)


class _Stretch:
    """What was tried in one stretch of the log."""

    __slots__ = ("counts", "early", "number", "open", "tries")

    def __init__(self, number: int) -> None:
        self.number = number
        self.counts: dict[str, list[int]] = {}  # item to times shown, times taken
        self.open: set[int] = set()  # tries that nobody took yet
        self.early: set[int] = set()  # taken before their slate was logged, or no tries at all
        self.tries = 0


class ServedTrials:
    """A `pipeline.parts.Trials` of one log.

    Args:
        log: Opened beside its owner, read only.
        schema: Event types that it declares with a positive weight count as taken.
        offsets: Of the log in one of the 16 stretches that are counted.
    """

    def __init__(self, log: EventLog, schema: Schema, *, offsets: int = _OFFSETS) -> None:
        self._log = log
        self._offsets = offsets
        self._types = (SERVED, *(n for n, e in schema.events.items() if e.weight > 0))
        self._totals: dict[str, list[int]] = {}
        self._stretches: deque[_Stretch] = deque()
        self._offset = 0

    def __len__(self) -> int:
        return len(self._totals)

    def fill(self) -> None:
        """Read the part of the log that counts; for the start.

        Raises:
            LogError: The log cannot be read; so is it for `follow`.
        """
        # One stretch more: what was taken there belongs to no slate of the first that counts.
        first = (self._log.head() // self._offsets - STRETCHES) * self._offsets
        self._offset = max(self._offset, first - 1, 0)
        while self.follow():
            pass

    def follow(self) -> int:
        """Take in a page of what the log has beyond the last call; how many records that were."""
        head = self._log.head()
        if head <= self._offset:
            return 0
        records = self._log.read(self._offset, limit=_TAIL, events=self._types)
        for record in records:
            stretch = self._stretch(record.offset)
            if record.event.event == SERVED:
                self._shown(record, stretch)
            else:
                self._taken(record, stretch)
        newest = records[-1].offset if records else 0
        self._offset = newest if len(records) == _TAIL else max(head, newest)
        self._stretch(self._offset)
        return len(records)

    def counts(self, ids: Sequence[str]) -> Float64Array:
        """(n, 2): times shown, and times taken, of each item; zeros for one never tried."""
        never = (0, 0)
        found = [self._totals.get(item, never) for item in ids]
        return np.array(found, np.float64).reshape(-1, 2)

    def _stretch(self, offset: int) -> _Stretch:
        """The newest stretch, which `offset` is in; those that it leaves behind are let go."""
        number = offset // self._offsets
        stretches = self._stretches
        if not stretches or stretches[-1].number != number:
            stretches.append(_Stretch(number))
            for old in stretches:
                if old.number < number - 1:
                    old.early.clear()
        while stretches[0].number <= number - STRETCHES:
            for item, (shown, taken) in stretches.popleft().counts.items():
                self._add(self._totals, item, -shown, -taken)
                if self._totals[item] == [0, 0]:
                    del self._totals[item]
        return stretches[-1]

    def _shown(self, record: Record, stretch: _Stretch) -> None:
        context = record.event.context or {}
        if not (context.get("propensities") or context.get("drawn")):
            return  # nothing was drawn
        try:
            slate = slate_of(record.event)
        except EventError as error:
            logger.error("a slate is not counted: %s", error)
            return
        for item in slate.tried[: self._offsets - stretch.tries]:
            key = hash((slate.request_id, item))
            waiting = next((s for s in reversed(self._stretches) if key in s.early), None)
            if waiting is None:
                stretch.open.add(key)
            else:
                waiting.early.discard(key)
            stretch.tries += 1
            self._count(stretch, item, 1, int(waiting is not None))

    def _taken(self, record: Record, stretch: _Stretch) -> None:
        request_id, item = record.event.request_id, record.event.item_id
        if request_id is None or item is None:
            return
        key = hash((request_id, item))
        shown = next((s for s in reversed(self._stretches) if key in s.open), None)
        if shown is None:
            stretch.early.add(key)
            return
        shown.open.discard(key)
        self._count(shown, item, 0, 1)

    def _count(self, stretch: _Stretch, item: str, shown: int, taken: int) -> None:
        self._add(stretch.counts, item, shown, taken)
        self._add(self._totals, item, shown, taken)

    @staticmethod
    def _add(counts: dict[str, list[int]], item: str, shown: int, taken: int) -> None:
        found = counts.setdefault(item, [0, 0])
        found[0] += shown
        found[1] += taken


def open_trials(
    log: EventLog, settings: Settings, surfaces: Iterable[Surface]
) -> ServedTrials | None:
    """The counts of a log, read; None where no surface asks for them, or no slate is logged.

    Raises:
        LogError: The log cannot be read.
    """
    stages = (stage for surface in surfaces for stage in surface.settings.rerank)
    wanted = any(isinstance(stage, Explore) and stage.choice == "thompson" for stage in stages)
    if not (wanted and settings.log.served):
        return None
    trials = ServedTrials(log, settings.schema_)
    trials.fill()
    return trials

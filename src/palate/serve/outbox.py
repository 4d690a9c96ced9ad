"""What a worker logs after it has answered: slates, handed to the writer in batches.

At most what a fifth of a second brings is lost when a worker is killed, and that is counted.
While the writer is away it waits here, up to a bound.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from typing import Final, TypeVar

from palate.errors import EventError
from palate.events.dead_letters import DeadLetter
from palate.events.identity import uuid7
from palate.events.served import Slate, served_event
from palate.serve.client import EventWriter, WriterAwayError
from palate.serve.counters import Counters

__all__ = ["Outbox"]

T = TypeVar("T")

MOST: Final = 20_000  # slates and letters that wait for a writer that is away, each
_EVERY_S: Final = 0.2
_BATCH: Final = 1_000

logger = logging.getLogger(__name__)


class Outbox:
    """Slates that were answered, and refused events that found no writer.

    Args:
        writer: Takes them.
        counters: Slates are counted as taken, written or lost.
        slates: Whether slates are logged at all.
    """

    def __init__(self, writer: EventWriter, counters: Counters, *, slates: bool) -> None:
        self._writer = writer
        self._counters = counters
        self._wanted = slates
        self._slates: deque[tuple[str, Slate]] = deque()
        self._letters: deque[DeadLetter] = deque()
        counters.served_lost_by_a_kill()

    @property
    def takes_slates(self) -> bool:
        """Whether slates are logged: a caller need not make one otherwise."""
        return self._wanted

    def served(self, slate: Slate) -> None:
        """Log a slate soon; the oldest one that waits is lost where too many do."""
        if not self._wanted:
            return
        if len(self._slates) >= MOST:
            self._slates.popleft()
            self._counters.served_lost(1)
        self._slates.append((uuid7(), slate))
        self._counters.served_taken()

    def refused(self, letters: list[DeadLetter]) -> None:
        """Keep refused events soon: the writer was away when they came."""
        self._letters.extend(letters)
        while len(self._letters) > MOST:
            self._letters.popleft()
            self._counters.letters_lost(1)

    async def run(self) -> None:
        """Hand over what has come together, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            await self.flush()

    async def flush(self) -> None:
        """Hand over what is there; what the writer does not take stays."""
        while self._slates or self._letters:
            slates, letters = _taken(self._slates), _taken(self._letters)
            # The same ids each time: what was written but not acknowledged is a duplicate then.
            events = [served_event(slate, event_id) for event_id, slate in slates]
            settled = False
            try:
                await self._writer.append(events, letters)
                settled = True
                self._counters.served_written(len(slates))
            except WriterAwayError:
                return
            except EventError as error:
                settled = True
                logger.error("slates that no log takes were dropped: %s", error)
                self._counters.served_lost(len(slates))
            finally:
                if not settled:  # also where this task was cancelled
                    self._slates.extendleft(reversed(slates))
                    self._letters.extendleft(reversed(letters))

    async def close(self) -> None:
        """Hand over the rest, as far as the writer takes it."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.flush(), 5 * _EVERY_S)


def _taken(waiting: deque[T]) -> list[T]:
    return [waiting.popleft() for _ in range(min(len(waiting), _BATCH))]

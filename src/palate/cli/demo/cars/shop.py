"""The demo's marketplace: a generated one whose past ends now, and whose future is streamed."""

from __future__ import annotations

import heapq
import time
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from palate.data.generated.cars import Cars
from palate.data.generated.cars.posts import events_of

if TYPE_CHECKING:
    from palate.events.schema import Event
    from palate.types import Float32Array, Int64Array

__all__ = ["Shop"]

PAST_DAYS = 14
LIKED_BEST = 10  # cars of a slate that are judged


class Shop:
    """Cars, visitors and their tastes; what happened so far, and what happens next.

    Args:
        n_cars: Cars that ever come on sale.
        n_visitors: Visitors.
        seed: Of everything.
    """

    def __init__(self, n_cars: int, n_visitors: int, seed: int) -> None:
        self.cars = Cars(n_cars, n_visitors, seed)
        self.live: Int64Array = np.flatnonzero(self.cars.live(PAST_DAYS))
        self.title = dict(self.cars.items.select("item_id", "title").iter_rows())

    def past(self) -> list[Event]:
        """What dealers and visitors did until now, by time; the last of it happened just now."""
        return self._between(0, PAST_DAYS)

    def future(self) -> list[Event]:
        """What they do on the next day; its times are those of the past, and yet to be set."""
        return self._between(PAST_DAYS, 1)

    def delight(self, visitor: int, item_ids: Sequence[str], known: Collection[str] = ()) -> float:
        """How much a visitor likes the first cars of a slate: chance is 0, the best there are 1.

        Args:
            visitor: Row.
            item_ids: Of the slate.
            known: Cars that the visitor has looked at: no slate shows them again.
        """
        new = np.setdiff1d(self.live, self.cars.item_rows(list(known)))
        everything = self.cars.utility([visitor], new)[0]
        best = np.sort(everything)[-LIKED_BEST:].mean()
        shown = self.utility(visitor, item_ids[:LIKED_BEST]).mean()
        return float((shown - everything.mean()) / (best - everything.mean()))

    def utility(self, visitor: int, item_ids: Sequence[str]) -> Float32Array:
        """(n,) how much a visitor likes some cars."""
        (found,) = self.cars.utility([visitor], self.cars.item_rows(list(item_ids)))
        return np.asarray(found, np.float32)

    def _between(self, first: int, days: int) -> list[Event]:
        offset = round(time.time() * 1e6) - _end_us(first + days)
        done = events_of(self.cars.events(days, first=first))
        changed = events_of(self.cars.changes(days, first=first))
        merged: Iterator[Event] = heapq.merge(changed, done, key=lambda event: event.timestamp)
        return [_moved(event, offset) for event in merged]


def _end_us(day: int) -> int:
    from palate.data.generated.cars.stock import DAY_US, START_US

    return START_US + day * DAY_US


def _moved(event: Event, offset_us: int) -> Event:
    import msgspec

    return msgspec.structs.replace(event, timestamp=event.timestamp + offset_us)

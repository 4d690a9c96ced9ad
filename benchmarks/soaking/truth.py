"""What clients know of the cars: what no answer may contradict.

A change counts from its acknowledgement. While it is under way, before and after are both right.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["PROBES", "Truth"]

PROBES = "probe-"  # the ids of cars that nobody sells: they are listed to be found


@dataclass
class _Price:
    value: float
    sent: float
    acknowledged: float


class Truth:
    """Prices and sales by car; moments are monotonic seconds. Threads share one.

    Args:
        cars: Id to attributes, as they were before anything began.
    """

    def __init__(self, cars: Mapping[str, Mapping[str, Any]]) -> None:
        self._lock = threading.Lock()
        self._prices = {
            item: [_Price(float(car["price"]), -math.inf, -math.inf)] for item, car in cars.items()
        }
        self._selling: dict[str, float] = {}  # from when a sale was first sent
        self._sold: dict[str, float] = {}

    def pricing(self, item: str, price: float) -> _Price:
        """A price, or a new car, is about to be sent; `done` says that it was acknowledged."""
        with self._lock:
            change = _Price(price, time.monotonic(), math.inf)
            self._prices.setdefault(item, []).append(change)
            return change

    def done(self, change: _Price) -> None:
        """It was."""
        change.acknowledged = time.monotonic()

    def selling(self, item: str) -> None:
        """A sale is about to be sent."""
        self._selling.setdefault(item, time.monotonic())

    def sold(self, item: str) -> None:
        """It was acknowledged."""
        self._sold[item] = time.monotonic()

    def live(self) -> set[str]:
        """Cars whose sale was never sent."""
        with self._lock:
            return set(self._prices) - set(self._selling)

    def gone(self) -> set[str]:
        """Cars whose sale was acknowledged."""
        return set(self._sold)

    def prices(self, item: str, began: float, ended: float) -> set[float]:
        """Those that an answer between these moments may have been made with."""
        with self._lock:
            changes = list(self._prices.get(item, ()))
        settled = [n for n, change in enumerate(changes) if change.acknowledged < began]
        return {c.value for c in changes[settled[-1] if settled else 0 :] if c.sent < ended}

    def wrong(
        self, items: Iterable[str], began: float, ended: float, *, most: float = math.inf
    ) -> list[str]:
        """What must not be in an answer: sold before it began, or dearer than asked for."""
        faults = []
        for item in items:
            if item.startswith(PROBES):
                continue
            if self._sold.get(item, math.inf) < began:
                late_s = began - self._sold[item]
                faults.append(f"{item} was sold {late_s:.3f} s before the question")
            prices = self.prices(item, began, ended)
            if not prices:
                faults.append(f"{item} was never listed")
            elif min(prices) > most:
                faults.append(f"{item} costs {sorted(prices)}, and {most} was the limit")
        return faults

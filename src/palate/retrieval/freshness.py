"""How long changes of items took until a search could find them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

import numpy as np

from palate.types import Float64Array

__all__ = ["Freshness"]

_KEPT: Final = 8192


class Freshness:
    """The newest few thousand delays, in seconds. Threads may share one.

    >>> fresh = Freshness()
    >>> fresh.add([0.1, 0.2, 0.3])
    >>> fresh.quantile(0.5), fresh.count
    (0.2, 3)
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: Float64Array = np.empty(_KEPT, np.float64)
        self.count = 0

    def add(self, seconds: Sequence[float]) -> None:
        """Take in delays; of a clock that went back, 0."""
        with self._lock:
            places = np.arange(self.count, self.count + len(seconds)) % _KEPT
            self._kept[places] = np.maximum(np.asarray(seconds, np.float64), 0.0)
            self.count += len(seconds)

    def quantile(self, share: float) -> float:
        """The delay that `share` of those kept do not exceed; NaN for none."""
        with self._lock:
            kept = self._kept[: min(self.count, _KEPT)]
            return float(np.quantile(kept, share)) if len(kept) else float("nan")

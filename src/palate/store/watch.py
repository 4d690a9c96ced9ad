"""Watching a pointer by looking again and again: nothing is lost by a message that was missed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from palate.store.base import Pointed

__all__ = ["EVERY_S", "watched"]

EVERY_S: Final = 0.1  # a tenth of what the port promises


def watched(look: Callable[[], Pointed | None], *, after: int, timeout_s: float) -> Pointed | None:
    """What `look` finds once its version exceeds `after`; None after `timeout_s` seconds.

    A server that came back with an older version is passed over: a watcher never goes back.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        found = look()
        if found is not None and found.version > after:
            return found
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        time.sleep(min(EVERY_S, left))

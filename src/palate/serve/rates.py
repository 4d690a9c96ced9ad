"""How often a key may ask: a token bucket a key, shared by all workers in a small mapped file."""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from pathlib import Path
from typing import Final

from palate.store.key import Key

__all__ = ["Rates"]

_SLOTS: Final = 1 << 14  # keys beyond that share a slot with one made so many keys before
_CELL: Final = 8
_TRIES: Final = 100


class Rates:
    """Admits requests by the generic cell rate algorithm, which is a token bucket in one number.

    The number is the moment at which the bucket will be full again. A request that would put it
    more than a burst ahead of now is refused. Workers take a lock for the few microseconds of an
    update. They never wait for one that was stopped while it held the lock: after a hundred
    tries they go on without it, and one of two updates may be lost. So a key may now and then
    get a request more than its rate, and never one less.

    Source: ITU-T I.371, annex A (virtual scheduling).

    Args:
        path: The file; made by whoever comes first.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._file, _CELL * _SLOTS)  # keeps what others have written already
        self._map = mmap.mmap(self._file, _CELL * _SLOTS)
        self._full_at = memoryview(self._map).cast("d")

    def wait_s(self, key: Key, now_s: float | None = None) -> float:
        """Take one request from the key's bucket; seconds to wait where it is empty, else 0.

        Args:
            key: Whose bucket.
            now_s: On the clock that all processes of a machine share; read by default.
        """
        rate = key.limits.rate_per_s
        if rate is None:
            return 0.0
        now_s = time.monotonic() if now_s is None else now_s
        ahead_s = (key.limits.burst or max(1.0, rate)) / rate
        slot = key.number % _SLOTS
        locked = self._lock()
        try:
            full_at = self._full_at[slot]
            if full_at > now_s + ahead_s + 1.0:  # the machine was started again: another clock
                full_at = now_s
            after = max(full_at, now_s) + 1.0 / rate
            wait_s = after - ahead_s - now_s
            if wait_s > 1e-9:
                return wait_s
            self._full_at[slot] = after
            return 0.0
        finally:
            if locked:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def _lock(self) -> bool:
        for _ in range(_TRIES):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0)  # lets a holder go on that was taken off its core
            else:
                return True
        return False

    def close(self) -> None:
        """Give the mapping back."""
        self._full_at.release()
        self._map.close()
        os.close(self._file)

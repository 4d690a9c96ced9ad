"""An online store in this process's memory: for tests and notebooks; it ends with the process."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence

from palate.store.reflects import check_after

__all__ = ["MemoryStore"]


class MemoryStore:
    """An `OnlineStore` in a dictionary. A scan sorts all keys, so keep it small."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[bytes, bytes] = {}
        self._offsets: dict[int, int] = {}  # by partition

    def get(self, key: bytes) -> bytes | None:
        """The value of `key`, or None."""
        return self._values.get(key)

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of `keys`, all from one moment."""
        with self._lock:
            return [self._values.get(key) for key in keys]

    def scan(
        self, prefix: bytes, *, after: bytes | None = None, limit: int | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Pairs whose key starts with `prefix`, in key order, strictly after `after`."""
        with self._lock:
            keys = sorted(key for key in self._values if key.startswith(prefix))
            start = bisect_left(keys, prefix) if after is None else bisect_right(keys, after)
            stop = None if limit is None else start + limit
            pairs = [(key, self._values[key]) for key in keys[start:stop]]
        return iter(pairs)

    def write(
        self,
        puts: Mapping[bytes, bytes | None],
        *,
        offset: int | None = None,
        after: int | None = None,
        partition: int = 0,
    ) -> None:
        """Put (or, for None, delete) all keys and note `offset`, all or nothing.

        Raises:
            OutOfStepError: It does not reflect `after`.
        """
        with self._lock:
            check_after(self.offset(partition), after)
            for key, value in puts.items():
                if value is None:
                    self._values.pop(key, None)
                else:
                    self._values[key] = value
            if offset is not None:
                self._offsets[partition] = offset

    def offset(self, partition: int = 0) -> int:
        """The offset up to which the state reflects a partition of the log; 0 for none."""
        return self._offsets.get(partition, 0)

    def clear(self) -> None:
        """Forget everything, the offsets included."""
        with self._lock:
            self._values.clear()
            self._offsets.clear()

    def close(self) -> None:
        """Nothing to give back."""

"""The scale-out online store: one hash of a Redis or Valkey server, read from many machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Self, TypeVar

from palate.errors import StoreError
from palate.store.redis_server import RedisServer

__all__ = ["RedisStore"]

T = TypeVar("T")
_PAGE: Final = 256  # pairs per round trip of a scan


class RedisStore:
    """An `OnlineStore` on a server. Threads may share one object; processes open their own.

    Three keys of the server hold it: a hash of the values, a sorted set of the keys (for scans
    in order), and the offset. They share a hash tag, so a cluster keeps them on one node, where
    a transaction can write them together.

    The log is the truth: a server that restarts from an older snapshot comes back with the
    offset of that snapshot, and what came after is applied again.

    Args:
        url: `redis://host:port/0`, `rediss://` for TLS, or `unix:///path`.
        namespace: Before the names of the three keys; two systems on one server differ in it.
        read_only: `write` and `clear` are refused.
        timeout_s: For connecting and for each answer, in seconds.

    Raises:
        StoreError: The address is none, or nobody answers there.
        MissingExtraError: The client is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        namespace: str = "palate",
        read_only: bool = False,
        timeout_s: float = 5.0,
    ) -> None:
        self.namespace = namespace
        self.read_only = read_only
        self._values = f"{{{namespace}}}:values"
        self._order = f"{{{namespace}}}:order"
        self._offset = f"{{{namespace}}}:offset"
        self._server = RedisServer(url, timeout_s=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, key: bytes) -> bytes | None:
        """The value of `key`, or None."""
        return self.get_many((key,))[0]

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of `keys`, all from one moment, in one round trip."""
        if not keys:
            return []
        found: list[bytes | None] = self._run(lambda client: client.hmget(self._values, keys))
        return found

    def scan(
        self, prefix: bytes, *, after: bytes | None = None, limit: int | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Pairs whose key starts with `prefix`, in key order, strictly after `after`.

        Each page of pairs is of its own moment; a key deleted during the scan may be left out.
        """
        start = b"[" + prefix if after is None or after < prefix else b"(" + after
        end = _beyond(prefix)
        left = limit
        while left is None or left > 0:
            wanted = _PAGE if left is None else min(left, _PAGE)
            keys = self._keys_between(start, end, wanted)
            pairs = zip(keys, self.get_many(keys), strict=True)
            yield from ((key, value) for key, value in pairs if value is not None)
            if len(keys) < wanted:
                return
            start = b"(" + keys[-1]
            left = None if left is None else left - wanted

    def write(self, puts: Mapping[bytes, bytes | None], *, offset: int | None = None) -> None:
        """Put (or, for None, delete) all keys and note `offset`, all or nothing.

        Raises:
            StoreError: Read-only; the server is away, or refuses (its memory is full).
        """
        kept = {key: value for key, value in puts.items() if value is not None}
        gone = [key for key, value in puts.items() if value is None]

        def transaction(client: Any) -> None:
            with client.pipeline(transaction=True) as pipeline:
                if kept:
                    pipeline.hset(self._values, mapping=kept)
                    pipeline.zadd(self._order, dict.fromkeys(kept, 0))
                if gone:
                    pipeline.hdel(self._values, *gone)
                    pipeline.zrem(self._order, *gone)
                if offset is not None:
                    pipeline.set(self._offset, offset)
                pipeline.execute()

        self._run(transaction, write=True)

    def offset(self) -> int:
        """The log offset that the state reflects; 0 for none."""
        return int(self._run(lambda client: client.get(self._offset)) or 0)

    def clear(self) -> None:
        """Forget everything, the offset included.

        Raises:
            StoreError: Read-only, or the server is away.
        """
        self._run(lambda client: client.unlink(self._values, self._order, self._offset), write=True)

    def close(self) -> None:
        """Give the connections back."""
        self._server.close()

    def _keys_between(self, start: bytes, end: bytes, most: int) -> list[bytes]:
        found: list[bytes] = self._run(
            lambda client: client.zrangebylex(self._order, start, end, start=0, num=most)
        )
        return found

    def _run(self, what: Callable[[Any], T], *, write: bool = False) -> T:
        if write and self.read_only:
            raise StoreError(
                f"the online store {self.namespace!r} is open for reading only",
                hint="the process that owns the event log writes it",
            )
        return self._server.run(what)


def _beyond(prefix: bytes) -> bytes:
    """The end of a range by letters of all that starts with `prefix`."""
    stem = prefix.rstrip(b"\xff")  # nothing follows a byte of 255: the one before it counts up
    return b"(" + stem[:-1] + bytes([stem[-1] + 1]) if stem else b"+"

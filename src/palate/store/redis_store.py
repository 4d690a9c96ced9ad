"""The scale-out online store: one hash of a Redis or Valkey server, read from many machines."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Self, TypeVar

from palate.errors import StoreError
from palate.store.redis_persistence import rewriting
from palate.store.redis_server import RedisServer, StoreAwayError
from palate.store.reflects import check_after

__all__ = ["RedisStore", "StoreBehindError"]

T = TypeVar("T")
_PAGE: Final = 1024  # pairs per round trip of a scan

# Fields of the hash of values that are no keys: the offset of partition 0, and those of all other
# partitions as JSON, so that every read can bring all of them along.
_AT: Final = b"\x00offset"
_OTHERS: Final = b"\x00offsets"

# One script is one step of the server, and is kept or lost as a whole. It gives the offset that
# the write found.
_WRITE: Final = """
local partition, after, offset = ARGV[3], ARGV[4], ARGV[5]
local others, found = {}, false
if partition == '0' then
  found = redis.call('HGET', KEYS[1], ARGV[1])
else
  others = cjson.decode(redis.call('HGET', KEYS[1], ARGV[2]) or '{}')
  found = others[partition]
end
found = found or '0'
if after ~= '' and tonumber(found) ~= tonumber(after) then return found end
local last = 6 + 2 * tonumber(ARGV[6])
for i = 7, last, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  redis.call('ZADD', KEYS[2], 0, ARGV[i])
end
for i = last + 1, #ARGV do
  redis.call('HDEL', KEYS[1], ARGV[i])
  redis.call('ZREM', KEYS[2], ARGV[i])
end
if offset ~= '' then
  if partition == '0' then
    redis.call('HSET', KEYS[1], ARGV[1], offset)
  else
    others[partition] = offset
    redis.call('HSET', KEYS[1], ARGV[2], cjson.encode(others))
  end
end
return found
"""


class StoreBehindError(StoreAwayError):
    """The server came back without what it held; its writer brings it up to date."""


class RedisStore:
    """An `OnlineStore` on a server. Threads may share one object; processes open their own.

    Two keys of the server hold it: a hash of the values and the offsets, and a sorted set of the
    keys (for scans in order). They share a hash tag, so a cluster keeps them on one node, where a
    script can write them together.

    The log is the truth: a server that restarts from an older snapshot comes back with the
    offsets of that snapshot, and what came after is applied again. Until it is, readers who have
    seen more of any partition are refused, rather than told what was.

    Args:
        url: `redis://host:port/0`, `rediss://` for TLS, or `unix:///path`.
        namespace: Before the names of the two keys; two systems on one server differ in it.
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
        self._seen: dict[int, int] = {}  # of each partition the newest offset that a read found
        self._newest: list[bytes | None] = [None, None]  # the fields that said so
        self._looking = threading.Lock()
        self._server = RedisServer(url, timeout_s=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, key: bytes) -> bytes | None:
        """The value of `key`, or None."""
        return self.get_many((key,))[0]

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of `keys`, all from one moment, in one round trip.

        Raises:
            StoreBehindError: Read-only, and the server reflects less than it did.
            StoreError: The server is away.
        """
        if not keys:
            return []
        wanted = (_AT, _OTHERS, *keys)
        raws: list[bytes | None] = self._run(lambda client: client.hmget(self._values, wanted))
        if self.read_only and raws[:2] != self._newest:
            with self._looking:
                self._look_back(raws[:2])
        return raws[2:]

    def _look_back(self, fields: list[bytes | None]) -> None:
        """Refuse what a read brought along where a partition is further back than it was."""
        offsets = _offsets(*fields)
        for partition, seen in self._seen.items():
            offset = offsets.get(partition, 0)
            if offset < seen:
                where = f" of partition {partition}" if partition else ""
                raise StoreBehindError(
                    f"the Redis server reflects offset {offset}{where}, and it reflected {seen}",
                    hint="its writer applies the log to it again; palate doctor looks at its "
                    "settings",
                )
        self._seen, self._newest = offsets, fields

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
            StoreError: Read-only; the server is away, or refuses (its memory is full).
            OutOfStepError: It does not reflect `after`.
        """
        kept = [part for pair in puts.items() if pair[1] is not None for part in pair]
        gone = [key for key, value in puts.items() if value is None]
        noted = ["" if one is None else one for one in (after, offset)]
        said = (_AT, _OTHERS, partition, *noted, len(kept) // 2)
        found = self._run(
            lambda client: client.eval(_WRITE, 2, self._values, self._order, *said, *kept, *gone),
            write=True,
        )
        check_after(int(found), after)

    def offset(self, partition: int = 0) -> int:
        """The offset up to which the state reflects a partition of the log; 0 for none."""
        found = self._run(lambda client: client.hmget(self._values, (_AT, _OTHERS)))
        return _offsets(*found).get(partition, 0)

    def clear(self) -> None:
        """Forget everything, the offsets included.

        Raises:
            StoreError: Read-only, or the server is away.
        """
        self._run(lambda client: client.unlink(self._values, self._order), write=True)

    def rewriting(self) -> Iterator[None]:
        """Have the server write its files anew, so that none holds a byte of what was deleted.

        It is done when the iterator ends; writes come in between two steps.

        Raises:
            StoreError: Read-only; the server is away, or does not let us.
        """
        self._run(lambda client: client.ping(), write=True)
        return rewriting(self._server)

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


def _offsets(at: bytes | None, others: bytes | None) -> dict[int, int]:
    """By partition, from the two fields that hold them."""
    found = {} if others is None else json.loads(others)
    return {0: int(at or 0)} | {int(partition): int(offset) for partition, offset in found.items()}


def _beyond(prefix: bytes) -> bytes:
    """The end of a range by letters of all that starts with `prefix`."""
    stem = prefix.rstrip(b"\xff")  # nothing follows a byte of 255: the one before it counts up
    return b"(" + stem[:-1] + bytes([stem[-1] + 1]) if stem else b"+"

"""The scale-out pointer: small values on a Redis or Valkey server, followed from any machine."""

from __future__ import annotations

from typing import Any, Final

from palate.store.base import Pointed
from palate.store.redis_server import RedisServer
from palate.store.watch import watched

__all__ = ["RedisPointer"]

# One script is one step of the server: nobody comes between the look and the change.
_SET: Final = """
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if version ~= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'value', ARGV[1], 'version', version + 1)
return version + 1
"""


class RedisPointer:
    """A `Pointer` on a server, one hash a name. Threads may share one object.

    Args:
        url: `redis://host:port/0`, `rediss://` for TLS, or `unix:///path`.
        namespace: Before the names of its keys; two systems on one server differ in it.
        timeout_s: For connecting and for each answer, in seconds.

    Raises:
        StoreError: The address is none, or nobody answers there.
        MissingExtraError: The client is not installed.
    """

    def __init__(self, url: str, *, namespace: str = "palate", timeout_s: float = 5.0) -> None:
        self.namespace = namespace
        self._server = RedisServer(url, timeout_s=timeout_s)

    def get(self, name: str) -> Pointed | None:
        """What `name` holds now; None before it is set."""

        def look(client: Any) -> Pointed | None:
            value, version = client.hmget(self._key(name), ("value", "version"))
            return None if version is None else Pointed(value, int(version))

        return self._server.run(look)

    def set(self, name: str, value: bytes, *, expected: int) -> int | None:
        """Let `name` hold `value` if its version is `expected` (0: none yet); the new version.

        None where somebody else was first, and nothing has changed.
        """
        version = self._server.run(
            lambda client: client.eval(_SET, 1, self._key(name), value, expected)
        )
        return int(version) or None

    def watch(self, name: str, *, after: int, timeout_s: float) -> Pointed | None:
        """The newest value once its version exceeds `after`; None where that takes too long."""
        return watched(lambda: self.get(name), after=after, timeout_s=timeout_s)

    def close(self) -> None:
        """Give the connections back."""
        self._server.close()

    def _key(self, name: str) -> str:
        return f"{{{self.namespace}}}:pointer:{name}"

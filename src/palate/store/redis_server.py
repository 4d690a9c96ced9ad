"""A connection to a Redis or Valkey server, whose faults say what to do, and cost little time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from palate._optional import require
from palate.errors import StoreError

__all__ = ["RedisServer", "StoreAwayError"]

T = TypeVar("T")
_LEAST_REST_S: Final = 0.05
_MOST_REST_S: Final = 1.0


class StoreAwayError(StoreError):
    """The server cannot be reached now; it may be back in a moment."""


class RedisServer:
    """The client of one server, opened once it is used. Threads may share one object.

    A call that fails costs its time. So after one, the server is left alone for twice as long
    (a twentieth of a second at least, a second at most), and calls fail at once. A connection that
    broke while it was idle is made anew, once, without a pause.

    Args:
        url: `redis://host:port/0`, `rediss://` for TLS, or `unix:///path`. It may hold a password,
            so no error repeats it.
        timeout_s: For connecting and for each answer, in seconds.

    Raises:
        StoreError: The address is none.
        StoreAwayError: Nobody answers there.
        MissingExtraError: The client is not installed.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        redis = require("redis", extra="redis")
        retry = require("redis.retry", extra="redis")
        backoff = require("redis.backoff", extra="redis")
        self._faults: tuple[type[Exception], ...] = (redis.RedisError, OSError)
        self._away: tuple[type[Exception], ...] = (
            redis.ConnectionError,
            redis.TimeoutError,
            OSError,
        )
        self._rests_until = 0.0
        self._client: Any = None
        try:
            self._client = redis.Redis.from_url(
                url,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                retry=retry.Retry(backoff.NoBackoff(), 1, (redis.ConnectionError,)),
            )
        except ValueError as error:
            raise StoreError(
                "this is no address of a Redis server", hint="write redis://host:port/0"
            ) from error
        self.run(lambda client: client.ping())

    def run(self, what: Callable[[Any], T]) -> T:
        """Do `what` with the client; it may be done twice.

        Raises:
            StoreAwayError: The server is away, or was a moment ago.
            StoreError: It refuses; or this object was closed.
        """
        if self._client is None:
            raise StoreError("the connection to the Redis server is closed")
        began = time.monotonic()
        if began < self._rests_until:
            raise _away("it was away a moment ago")
        try:
            return what(self._client)
        except self._away as error:
            now = time.monotonic()
            rest_s = min(max(2 * (now - began), _LEAST_REST_S), _MOST_REST_S)
            self._rests_until = now + rest_s
            raise _away(str(error)) from error
        except self._faults as error:
            raise StoreError(
                f"the Redis server refuses: {error}",
                hint="palate doctor looks at its settings",
            ) from error

    def close(self) -> None:
        """Give the connections back."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


def _away(why: str) -> StoreAwayError:
    return StoreAwayError(
        f"the Redis server did not answer: {why}",
        hint="is it up, and is its address right?",
    )

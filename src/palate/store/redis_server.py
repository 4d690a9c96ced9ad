"""A connection to a Redis or Valkey server, whose faults say what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from palate._optional import require
from palate.errors import StoreError

__all__ = ["RedisServer"]

T = TypeVar("T")


class RedisServer:
    """The client of one server, opened once it is used. Threads may share one object.

    Args:
        url: `redis://host:port/0`, `rediss://` for TLS, or `unix:///path`.
        timeout_s: For connecting and for each answer, in seconds.

    Raises:
        StoreError: The address is none, or nobody answers there.
        MissingExtraError: The client is not installed.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        redis = require("redis", extra="redis")
        self._errors: tuple[type[Exception], ...] = (redis.RedisError, OSError)
        self._client: Any = None
        try:
            self._client = redis.Redis.from_url(
                url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
            )
        except ValueError as error:
            raise StoreError(f"{error}", hint="write redis://host:port/0") from error
        self.run(lambda client: client.ping())

    def run(self, what: Callable[[Any], T]) -> T:
        """Do `what` with the client.

        Raises:
            StoreError: It was closed, the server is away, or it refuses.
        """
        if self._client is None:
            raise StoreError("the connection to the Redis server is closed")
        try:
            return what(self._client)
        except self._errors as error:
            raise StoreError(
                f"the Redis server did not answer: {error}",
                hint="is it up, and is its address right?",
            ) from error

    def close(self) -> None:
        """Give the connections back."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

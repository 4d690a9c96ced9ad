from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, ClassVar

import pytest

from palate.store.base import Pointed, Pointer
from palate.store.redis_pointer import RedisPointer
from palate.testing.pointer import PointerConformance


def namespace_of(place: Path) -> str:
    return hashlib.sha256(str(place).encode()).hexdigest()[:16]


class TestRedisPointer(PointerConformance):
    url: ClassVar[str]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _served(cls, redis_server: Any) -> None:
        cls.url = redis_server.connection_url

    def open(self, place: Path) -> Pointer:
        return RedisPointer(self.url, namespace=namespace_of(place))

    def open_source(self, place: Path) -> str:
        return f"""
from palate.store.redis_pointer import RedisPointer
pointer = RedisPointer({self.url!r}, namespace={namespace_of(place)!r})
"""


def test_namespaces_are_apart(redis_server: Any) -> None:
    one = RedisPointer(redis_server.connection_url, namespace="one")
    two = RedisPointer(redis_server.connection_url, namespace="two")
    one.set("index", b"1", expected=0)
    assert (one.get("index"), two.get("index")) == (Pointed(b"1", 1), None)
    one.close()
    two.close()

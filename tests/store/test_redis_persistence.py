"""What a server keeps, and that it can be made to keep nothing of what was deleted."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.killable import KillableServer

from palate.errors import StoreError
from palate.store.redis_persistence import Persistence
from palate.store.redis_server import RedisServer
from palate.store.redis_store import RedisStore

SECRET = b"ann-of-green-gables"


def of(killable: KillableServer) -> Persistence:
    server = RedisServer(killable.url, timeout_s=1.0)
    try:
        return Persistence.of(server)
    finally:
        server.close()


def files_with(folder: Path, text: bytes) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text in path.read_bytes()]


@pytest.mark.parametrize(
    ("config", "survives"),
    [
        ({"appendonly": "yes", "appendfsync": "always"}, True),
        ({"appendonly": "yes", "appendfsync": "everysec"}, False),
        ({}, False),
    ],
)
def test_whether_it_survives_a_kill(tmp_path: Path, config: dict[str, str], survives: bool) -> None:
    with KillableServer(tmp_path, durable=False, **config) as killable:
        found = of(killable)
    assert found.survives_a_kill is survives
    assert found.eviction == "noeviction"
    assert found.version[0].isdecimal()


def test_a_server_that_does_not_tell(tmp_path: Path) -> None:
    with KillableServer(tmp_path) as killable:
        with killable.client() as client:
            client.execute_command("ACL SETUSER default -config")
        found = of(killable)
    assert (found.append_only, found.flushed, found.survives_a_kill) == (True, None, None)


def test_what_was_acknowledged_is_there_after_a_kill(tmp_path: Path) -> None:
    with KillableServer(tmp_path) as killable:
        store = RedisStore(killable.url)
        for number in range(1, 51):
            store.write({b"k%d" % number: b"v" * 100}, offset=number, after=number - 1)
        killable.kill()
        killable.start()
        assert store.offset() == 50
        assert len(list(store.scan(b"k"))) == 50
        store.close()


@pytest.mark.parametrize("durable", [True, False])
def test_nothing_is_left_in_its_files_of_what_was_deleted(tmp_path: Path, durable: bool) -> None:
    with KillableServer(tmp_path, durable=durable, rdbcompression="no") as killable:
        with killable.client() as client:
            client.config_set("save", "3600 1")
        store = RedisStore(killable.url)
        store.write({SECRET: b"of " + SECRET, b"other": b"stays"}, offset=1)
        with killable.client() as client:
            client.save()
        assert files_with(tmp_path, SECRET)
        store.write({SECRET: None}, offset=2)
        steps = sum(1 for _ in store.rewriting())
        assert steps < 100_000
        assert files_with(tmp_path, SECRET) == []
        assert (store.get(b"other"), store.offset()) == (b"stays", 2)
        store.close()


def test_a_server_that_does_not_let_us_is_no_success(tmp_path: Path) -> None:
    with KillableServer(tmp_path) as killable:
        with killable.client() as client:
            client.execute_command("ACL SETUSER default -bgrewriteaof")
        store = RedisStore(killable.url)
        with pytest.raises(StoreError, match="refuses"):
            list(store.rewriting())
        store.close()


def test_a_reader_does_not_have_files_written(tmp_path: Path) -> None:
    with KillableServer(tmp_path) as killable:
        store = RedisStore(killable.url, read_only=True)
        with pytest.raises(StoreError, match="for reading only"):
            store.rewriting()
        store.close()

"""The settings choose the adapters."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from palate.config import Settings, StoreSettings
from palate.errors import StoreError
from palate.store.base import Pointed
from palate.store.chosen import (
    has_online_store,
    open_online_store,
    open_pointer,
    open_server,
)
from palate.store.lmdb_store import LmdbStore
from palate.store.redis_pointer import RedisPointer
from palate.store.redis_store import RedisStore
from palate.store.sqlite_pointer import SqlitePointer


@pytest.fixture
def on_redis(redis_server: Any, tmp_path: Path) -> Settings:
    url = redis_server.connection_url
    return Settings(store=StoreSettings(url=url, namespace=f"chosen-{tmp_path.name}"))


def test_files_below_home_where_nothing_is_said(tmp_path: Path) -> None:
    settings = Settings()
    assert not has_online_store(tmp_path, settings)
    assert open_server(settings.store) is None
    with closing(open_online_store(tmp_path, settings, read_only=False)) as store:
        assert isinstance(store, LmdbStore)
    with closing(open_pointer(tmp_path, settings)) as pointer:
        assert isinstance(pointer, SqlitePointer)
    assert has_online_store(tmp_path, settings)


def test_the_server_that_the_settings_name(tmp_path: Path, on_redis: Settings) -> None:
    with (
        closing(open_online_store(tmp_path, on_redis, read_only=False)) as store,
        closing(open_online_store(tmp_path, on_redis, read_only=True)) as reader,
        closing(open_pointer(tmp_path, on_redis)) as pointer,
    ):
        assert isinstance(store, RedisStore)
        assert isinstance(pointer, RedisPointer)
        store.write({b"a": b"1"}, offset=3)
        assert (reader.get(b"a"), reader.offset()) == (b"1", 3)
        with pytest.raises(StoreError, match="for reading only"):
            reader.write({b"a": b"2"})
        pointer.set("p", b"x", expected=0)
        assert pointer.get("p") == Pointed(b"x", 1)
    assert has_online_store(tmp_path, on_redis)
    assert list(tmp_path.iterdir()) == []

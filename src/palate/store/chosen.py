"""The adapters that the settings choose: on a Redis server where `[store] url` names one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from palate.config import Settings, StoreSettings
from palate.store.base import OnlineStore, Pointer
from palate.store.database import REGISTRY, Database
from palate.store.lmdb_store import LmdbStore
from palate.store.redis_pointer import RedisPointer
from palate.store.redis_server import RedisServer
from palate.store.redis_store import RedisStore
from palate.store.sqlite_pointer import SqlitePointer

__all__ = ["has_online_store", "open_online_store", "open_pointer", "open_server"]

STATE: Final = "state"  # the folder below home
_LONGER: Final = 20  # a write may be of thousands of keys, and be flushed


def open_online_store(home: Path, settings: Settings, *, read_only: bool) -> OnlineStore:
    """Where the state of `home` is kept: on the server, else in `home/state`.

    Raises:
        StoreAwayError: Nobody answers at `[store] url`.
        StoreError: The folder is missing (read-only) or damaged.
        MissingExtraError: The client of Redis is not installed.
    """
    store = settings.store
    if store.url is None:
        return LmdbStore(home / STATE, read_only=read_only)
    return RedisStore(
        store.url.get_secret_value(),
        namespace=store.namespace,
        read_only=read_only,
        timeout_s=store.timeout_s if read_only else _LONGER * store.timeout_s,
    )


def has_online_store(home: Path, settings: Settings) -> bool:
    """Whether a state may have been written already; opens nothing."""
    return settings.store.url is not None or (home / STATE / "data.mdb").exists()


def open_pointer(home: Path, settings: Settings) -> Pointer:
    """Where the processes of `home` agree on snapshots: on the server, else in the registry.

    Raises:
        StoreAwayError: Nobody answers at `[store] url`.
        StoreError: The registry is damaged.
        MissingExtraError: The client of Redis is not installed.
    """
    store = settings.store
    if store.url is None:
        return SqlitePointer(Database(home / REGISTRY))
    url = store.url.get_secret_value()
    return RedisPointer(url, namespace=store.namespace, timeout_s=_LONGER * store.timeout_s)


def open_server(store: StoreSettings) -> RedisServer | None:
    """The server itself; None where the settings name none. Raises as `open_online_store`."""
    if store.url is None:
        return None
    return RedisServer(store.url.get_secret_value(), timeout_s=store.timeout_s)

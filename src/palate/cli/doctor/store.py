"""Checks of the Redis or Valkey server that keeps the state, where the settings name one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from palate.cli.doctor.finding import Finding, fail, ok, warn
from palate.errors import PalateError

if TYPE_CHECKING:
    from palate.config import StoreSettings
    from palate.store.redis_persistence import Persistence

__all__ = ["check_store"]

DURABLE = "redis-cli CONFIG SET appendonly yes; redis-cli CONFIG SET appendfsync always"


def check_store(settings: StoreSettings) -> Iterator[Finding]:
    """Whether it answers, keeps what it acknowledges, and drops nothing; never says its address."""
    from palate.store.chosen import open_server
    from palate.store.redis_persistence import Persistence

    try:
        server = open_server(settings)
        if server is None:
            return
        try:
            found = Persistence.of(server)
        finally:
            server.close()
    except PalateError as error:
        yield fail("store", error.message, hint=error.hint or "correct [store] url")
        return
    yield from _judge(found)


def _judge(found: Persistence) -> Iterator[Finding]:
    if found.eviction not in (None, "noeviction"):
        yield fail(
            "store",
            f"it drops keys when its memory is full (maxmemory-policy {found.eviction})",
            hint="redis-cli CONFIG SET maxmemory-policy noeviction",
        )
    survives = found.survives_a_kill
    if survives is None:
        yield warn(
            "store",
            "it does not tell whether a kill loses what it acknowledged",
            hint=f"ask who runs it; it should be as after {DURABLE}",
        )
    elif not survives:
        kept = f"appendfsync {found.flushed}" if found.append_only else "appendonly no"
        yield warn("store", f"a kill may take it back to what it was before ({kept})", hint=DURABLE)
    else:
        yield ok("store", f"Redis {found.version} keeps what it acknowledges")

"""How a Redis or Valkey server keeps what it is given: what a kill may cost, and its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from palate.errors import StoreError
from palate.store.redis_server import RedisServer, StoreAwayError

__all__ = ["Persistence", "rewriting"]


@dataclass(frozen=True, slots=True)
class Persistence:
    """What a server says of itself; None for what it does not tell everybody.

    Attributes:
        version: Of Redis, or of the version that Valkey is compatible with.
        append_only: Whether every write goes to a file.
        flushed: When that file is flushed: `always`, `everysec` or `no`.
        eviction: What is dropped when its memory is full; `noeviction` for nothing.
    """

    version: str
    append_only: bool | None
    flushed: str | None
    eviction: str | None

    @classmethod
    def of(cls, server: RedisServer) -> Persistence:
        """Ask it.

        Raises:
            StoreError: It does not answer, or does not tell.
        """
        info: Mapping[str, Any] = server.run(lambda client: client.info())
        append_only = info.get("aof_enabled")
        eviction = info.get("maxmemory_policy")
        return cls(
            version=str(info.get("redis_version", "unknown")),
            append_only=None if append_only is None else bool(append_only),
            flushed=_setting(server, "appendfsync"),
            eviction=None if eviction is None else str(eviction),
        )

    @property
    def survives_a_kill(self) -> bool | None:
        """Whether what was acknowledged is there after `kill -9`; None where it is not known."""
        if self.append_only is None or (self.append_only and self.flushed is None):
            return None
        return self.append_only and self.flushed == "always"


class _Rewrite(NamedTuple):
    """A file that the server writes anew beside its work."""

    command: str
    busy: tuple[str, ...]
    outcome: str


_AOF: Final = _Rewrite(
    "BGREWRITEAOF",
    ("aof_rewrite_in_progress", "aof_rewrite_scheduled"),
    "aof_last_bgrewrite_status",
)
_RDB: Final = _Rewrite("BGSAVE", ("rdb_bgsave_in_progress",), "rdb_last_bgsave_status")


def rewriting(server: RedisServer) -> Iterator[None]:
    """Have the server write its files anew, so that none holds a byte of what was deleted.

    It is done when the iterator ends; each step asks how far the server is.

    Raises:
        StoreError: The server is away, does not let us, or could not write.
    """
    files: list[_Rewrite] = []
    if _info(server).get("aof_enabled"):
        files.append(_AOF)
    if _setting(server, "save") != "":
        files.append(_RDB)
    for one in files:
        while _is_busy(server, one):  # with one that began before
            yield
        _begin(server, one)
        while _is_busy(server, one):
            yield
        outcome = _info(server).get(one.outcome)
        if outcome != "ok":
            raise StoreError(
                f"{one.command} of the Redis server ended with {outcome}",
                hint="its log says why; is its disk full?",
            )


def _begin(server: RedisServer, one: _Rewrite) -> None:
    server.run(lambda client: client.execute_command(one.command))


def _info(server: RedisServer) -> Mapping[str, Any]:
    found: Mapping[str, Any] = server.run(lambda client: client.info("persistence"))
    return found


def _is_busy(server: RedisServer, one: _Rewrite) -> bool:
    info = _info(server)
    return any(info.get(name) for name in one.busy)


def _setting(server: RedisServer, name: str) -> str | None:
    """A setting of the server; None where it tells nobody, as some hosted ones."""
    try:
        found: Mapping[str, str] = server.run(lambda client: client.config_get(name))
    except StoreAwayError:
        raise
    except StoreError:  # it refuses
        return None
    return found.get(name)

"""A store whose disk is full for a while."""

from __future__ import annotations

from collections.abc import Mapping

from palate.errors import StoreError
from palate.store.memory_store import MemoryStore

__all__ = ["FullStore"]


class FullStore(MemoryStore):
    """Refuses writes while it is full."""

    full = False

    def write(
        self,
        puts: Mapping[bytes, bytes | None],
        *,
        offset: int | None = None,
        after: int | None = None,
        partition: int = 0,
    ) -> None:
        if self.full:
            raise StoreError("the disk is full")
        super().write(puts, offset=offset, after=after, partition=partition)

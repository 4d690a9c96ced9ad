from __future__ import annotations

from pathlib import Path

from palate.store.base import OnlineStore
from palate.store.memory_store import MemoryStore
from palate.testing.online_store import OnlineStoreConformance


class TestMemoryStore(OnlineStoreConformance):
    def open(self, place: Path, *, read_only: bool = False) -> OnlineStore:
        return MemoryStore()

from __future__ import annotations

from pathlib import Path

from palate.store.base import Pointer
from palate.store.database import Database
from palate.store.sqlite_pointer import SqlitePointer
from palate.testing.pointer import PointerConformance


class TestSqlitePointer(PointerConformance):
    def open(self, place: Path) -> Pointer:
        self.path = place / "registry.sqlite"
        return SqlitePointer(Database(self.path))

    def open_source(self, place: Path) -> str:
        return f"""
from pathlib import Path
from palate.store.database import Database
from palate.store.sqlite_pointer import SqlitePointer
pointer = SqlitePointer(Database(Path({str(place / "registry.sqlite")!r})))
"""

    def break_it(self, pointer: Pointer) -> None:
        pointer.close()
        self.path.write_bytes(b"no database" * 1000)

"""The embedded online store: an LMDB file that one process writes and several read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from palate.errors import StoreError
from palate.store.lmdb_environment import Environment, closed, is_open, opened
from palate.store.lmdb_rewrite import rewriting, settle
from palate.store.reflects import check_after

__all__ = ["MAX_KEY_BYTES", "LmdbStore"]

MAX_KEY_BYTES: Final = 511  # compiled into LMDB
_PAGE: Final = 256  # pairs per transaction of a scan
_OFFSET: Final = b"offset"  # of partition 0; of another its number follows
_CHECK_EVERY: Final = 1024  # writes between two looks for dead readers


class LmdbStore:
    """An `OnlineStore` in a folder. Threads may share one object; processes open their own.

    Unless `durable`, a commit is not flushed to disk, because the log is the truth and the
    state carries the offset that it reflects: after `kill -9` the state is whole, and after a
    power cut the folder is emptied when it is opened for writing, and the log is replayed.

    Args:
        folder: Made where it is missing (unless read-only).
        read_only: `write` and `clear` are refused, and a missing folder is an error.
        durable: Every write is flushed before it returns: for what no log can replay.

    Raises:
        StoreError: The folder cannot be opened.
        MissingExtraError: LMDB is not installed.
    """

    def __init__(self, folder: Path, *, read_only: bool = False, durable: bool = False) -> None:
        self.folder = folder
        self.read_only = read_only
        self._writes = 0
        if not read_only and not is_open(folder):
            settle(folder)
        if read_only and not (folder / "data.mdb").exists():
            raise StoreError(f"no state in {folder}", hint="import data or start the service")
        self._environment: Environment | None = opened(folder, write=not read_only, durable=durable)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, key: bytes) -> bytes | None:
        """The value of `key`, or None."""
        return self.get_many((key,))[0]

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of `keys`, all from one moment, in one transaction."""
        environment = self._opened()

        def values(transaction: Any) -> list[bytes | None]:
            get, state = transaction.get, environment.state
            return [
                get(key, None, state) if 0 < len(key) <= MAX_KEY_BYTES else None for key in keys
            ]

        return environment.run(values, write=False)

    def scan(
        self, prefix: bytes, *, after: bytes | None = None, limit: int | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Pairs whose key starts with `prefix`, in key order, strictly after `after`.

        A long scan sees each page of pairs at a moment of its own, so that it never keeps
        old pages from being used again.
        """
        environment = self._opened()
        left = limit
        while left is None or left > 0:
            wanted = _PAGE if left is None else min(left, _PAGE)
            page = environment.run(_page_of(environment, prefix, after, wanted), write=False)
            yield from page
            if len(page) < wanted:
                return
            after = page[-1][0]
            left = None if left is None else left - wanted

    def write(
        self,
        puts: Mapping[bytes, bytes | None],
        *,
        offset: int | None = None,
        after: int | None = None,
        partition: int = 0,
    ) -> None:
        """Put (or, for None, delete) all keys and note `offset`, all or nothing.

        Raises:
            StoreError: A key is empty or over 511 bytes; read-only; the disk is full.
            OutOfStepError: It does not reflect `after`.
        """
        environment = self._opened(write=True)
        bad = next((key for key in puts if not 0 < len(key) <= MAX_KEY_BYTES), None)
        if bad is not None:
            raise StoreError(f"a key of {len(bad)} bytes; keys have 1 to {MAX_KEY_BYTES}")

        name = _offset_of(partition)

        def put(transaction: Any) -> None:
            check_after(int(transaction.get(name, b"0", environment.meta)), after)
            for key, value in puts.items():
                if value is None:
                    transaction.delete(key, db=environment.state)
                else:
                    transaction.put(key, value, db=environment.state)
            if offset is not None:
                transaction.put(name, b"%d" % offset, db=environment.meta)
            if environment.touched is not None:
                environment.touched.update(puts)

        environment.run(put, write=True)
        self._writes += 1
        if self._writes % _CHECK_EVERY == 0:
            environment.handle.reader_check()

    def offset(self, partition: int = 0) -> int:
        """The offset up to which the state reflects a partition of the log; 0 for none."""
        environment = self._opened()
        name = _offset_of(partition)
        raw = environment.run(lambda t: t.get(name, b"0", environment.meta), write=False)
        return int(raw)

    def clear(self) -> None:
        """Forget everything, the offsets included.

        Raises:
            StoreError: Read-only.
        """
        environment = self._opened(write=True)

        def drop(transaction: Any) -> None:
            transaction.drop(environment.state, delete=False)
            transaction.drop(environment.meta, delete=False)
            environment.touched = None

        environment.run(drop, write=True)

    def copy(self, folder: Path) -> None:
        """Copy it, as it is at one moment, into the empty folder `folder`.

        Raises:
            StoreError: The disk is full, or the files are damaged.
        """
        self._opened().copy(folder)

    def rewriting(self) -> Iterator[None]:
        """Write all files anew, so that none holds a byte of what was deleted, a step at a time.

        It is done when the iterator ends. Writes come in between; readers of other processes go
        over by themselves.

        Raises:
            StoreError: Read-only; the disk is full.
        """
        return rewriting(self._opened(write=True))

    def rewrite(self) -> None:
        """Do all of `rewriting` at once.

        Raises:
            StoreError: Read-only; the disk is full.
        """
        for _ in self.rewriting():
            pass

    def close(self) -> None:
        """Flush and close the files, once the last user in this process closes."""
        environment, self._environment = self._environment, None
        if environment is not None:
            closed(environment)

    def _opened(self, *, write: bool = False) -> Environment:
        if self._environment is None:
            raise StoreError(f"the online store {self.folder} is closed")
        if write and self.read_only:
            raise StoreError(
                f"the online store {self.folder} is open for reading only",
                hint="the process that owns the event log writes it",
            )
        return self._environment


def _offset_of(partition: int) -> bytes:
    return b"%s:%d" % (_OFFSET, partition) if partition else _OFFSET


def _page_of(environment: Environment, prefix: bytes, after: bytes | None, wanted: int) -> Any:
    def page(transaction: Any) -> list[tuple[bytes, bytes]]:
        cursor = transaction.cursor(db=environment.state)
        start = prefix if after is None or after < prefix else after
        found = cursor.set_range(start) if start else cursor.first()
        if found and cursor.key() == after:
            found = cursor.next()
        pairs: list[tuple[bytes, bytes]] = []
        while found and len(pairs) < wanted and cursor.key().startswith(prefix):
            pairs.append(cursor.item())
            found = cursor.next()
        return pairs

    return page

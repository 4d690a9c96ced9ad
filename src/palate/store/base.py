"""The ports of `store`: their laws in one sentence each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

__all__ = ["ObjectStore", "OnlineStore", "Pointed", "Pointer"]


@runtime_checkable
class OnlineStore(Protocol):
    """State that a request reads: bytes by key.

    A read sees the last acknowledged write of that key; a batch read is one round trip;
    state and the log offset that produced it are written together.
    """

    def get(self, key: bytes) -> bytes | None:
        """The value of `key`, or None."""
        ...

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of `keys`, all from one moment, in one round trip."""
        ...

    def scan(
        self, prefix: bytes, *, after: bytes | None = None, limit: int | None = None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Pairs whose key starts with `prefix`, in key order, strictly after `after`."""
        ...

    def write(
        self,
        puts: Mapping[bytes, bytes | None],
        *,
        offset: int | None = None,
        after: int | None = None,
        partition: int = 0,
    ) -> None:
        """Put (or, for None, delete) all keys and note `offset`, all or nothing.

        Where `after` is given and is not the offset that is noted now, nothing is written and
        that is an `OutOfStepError`: the store came back as it was before, and something is missing.

        Args:
            puts: New values.
            offset: Up to which the state reflects `partition`; None leaves what is noted.
            after: The offset of `partition` that this builds on; None asks nothing.
            partition: Of the log, whose offsets these are, from 0; each goes on by itself.
        """
        ...

    def offset(self, partition: int = 0) -> int:
        """The offset up to which the state reflects a partition of the log; 0 for none."""
        ...

    def clear(self) -> None:
        """Forget everything, the offset of every partition included."""
        ...

    def close(self) -> None:
        """Give the files or connections back."""
        ...


@runtime_checkable
class ObjectStore(Protocol):
    """Immutable files in folders. A published object is whole or absent, and never changes."""

    def publish(self, key: str, folder: Path) -> None:
        """Make the files of `folder` appear under `key`, all at once; refuse an existing key."""
        ...

    def fetch(self, key: str) -> Path:
        """A local folder with the files under `key`; not to be written to."""
        ...

    def exists(self, key: str) -> bool:
        """Whether `key` was published."""
        ...

    def keys(self, prefix: str = "") -> Iterable[str]:
        """Published keys that start with `prefix`, sorted."""
        ...

    def remove(self, key: str) -> None:
        """Erase `key`; nothing happens where it is absent."""
        ...


@dataclass(frozen=True, slots=True)
class Pointed:
    """What a pointer holds.

    Attributes:
        value: Such as the key of a published object.
        version: 1 for the first value of a name, one more with each that is set.
    """

    value: bytes
    version: int


@runtime_checkable
class Pointer(Protocol):
    """Small values by name that processes agree on and follow.

    Set by compare-and-set; a watcher reaches the newest value within a second and never goes
    back.
    """

    def get(self, name: str) -> Pointed | None:
        """What `name` holds now; None before it is set."""
        ...

    def set(self, name: str, value: bytes, *, expected: int) -> int | None:
        """Let `name` hold `value` if its version is `expected` (0: none yet); the new version.

        None where somebody else was first, and nothing has changed.
        """
        ...

    def watch(self, name: str, *, after: int, timeout_s: float) -> Pointed | None:
        """The newest value once its version exceeds `after`; None where that takes too long."""
        ...

    def close(self) -> None:
        """Give the files or connections back."""
        ...

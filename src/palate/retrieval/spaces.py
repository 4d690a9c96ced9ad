"""Which spaces are embedded, and how far the catalogue has come in each: kept in one pointer."""

from __future__ import annotations

from typing import Final

import msgspec

from palate.errors import StoreError
from palate.store.base import Pointer

__all__ = ["EMBEDDER", "Space", "Spaces"]

EMBEDDER: Final = "embedder"  # the pointer's name, and that of the consumer group


class Space(msgspec.Struct, frozen=True, kw_only=True):
    """One space that is embedded.

    Attributes:
        dimension: Of its vectors.
        generation: Which time it is embedded; grows with every beginning of any space.
        since: The topic's offset before its first record.
        after: The last id of the catalogue that was looked at; None at the beginning.
        complete_at: The topic's offset by which the whole catalogue was in; None before.
    """

    dimension: int
    generation: int
    since: int
    after: str | None = None
    complete_at: int | None = None


class Spaces:
    """The spaces by name. The embedder writes, anybody reads.

    Args:
        pointer: Where they are kept, all in one value, so that they change together.
    """

    def __init__(self, pointer: Pointer) -> None:
        self._pointer = pointer
        self._sent: set[bytes] = set()  # since a write was last known to have arrived

    def read(self) -> tuple[dict[str, Space], int]:
        """The spaces, and the version of what was read; nothing and 0 at first.

        Raises:
            StoreError: The pointer holds something else.
        """
        found = self._pointer.get(EMBEDDER)
        if found is None:
            return {}, 0
        try:
            return msgspec.json.decode(found.value, type=dict[str, Space]), found.version
        except msgspec.DecodeError as error:
            raise StoreError(f"the pointer {EMBEDDER!r} holds no spaces: {error}") from error

    def write(self, spaces: dict[str, Space], version: int) -> int:
        """Replace what was read as `version`; the new version.

        A server that ended before it answered may have kept what it was sent: that is no other
        embedder's. A pointer whose server lost it is written again: who writes knows what it held.

        Raises:
            StoreError: Somebody else wrote meanwhile: there are two embedders; or the pointer
                failed.
        """
        raw = msgspec.json.encode(spaces)
        self._sent.add(raw)
        done = self._pointer.set(EMBEDDER, raw, expected=version)
        if done is None:
            done = self._again(raw, version)
        if done is None:
            raise StoreError(
                f"the pointer {EMBEDDER!r} was changed by another embedder",
                hint="one embedder runs for one catalogue; stop the other",
            )
        self._sent = set()
        return done

    def _again(self, raw: bytes, version: int) -> int | None:
        """Write where the pointer is not at `version` and yet nobody else wrote."""
        found = self._pointer.get(EMBEDDER)
        if found is None:
            return self._pointer.set(EMBEDDER, raw, expected=0)
        if found.version > version and found.value in self._sent:
            if found.value == raw:
                return found.version
            return self._pointer.set(EMBEDDER, raw, expected=found.version)
        return None

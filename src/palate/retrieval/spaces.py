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

        Raises:
            StoreError: Somebody else wrote meanwhile: there are two embedders.
        """
        done = self._pointer.set(EMBEDDER, msgspec.json.encode(spaces), expected=version)
        if done is None:
            raise StoreError(
                f"the pointer {EMBEDDER!r} was changed by another embedder",
                hint="one embedder runs for one catalogue; stop the other",
            )
        return done

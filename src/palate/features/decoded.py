"""Reading stored values: what another version wrote is an error that says what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from palate.errors import StoreError

__all__ = ["decoded"]

T = TypeVar("T")


def decoded(raw: bytes | None, decode: Callable[[bytes], T]) -> T | None:
    """The value in `raw`; None for None.

    Raises:
        StoreError: Another version of Palate wrote it.
    """
    if raw is None:
        return None
    try:
        return decode(raw)
    except msgspec.DecodeError as error:
        raise StoreError(
            f"the state was written by another version of Palate: {error}",
            hint="restart the process that owns the event log: it rebuilds the state",
        ) from error

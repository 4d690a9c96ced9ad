"""The offset that a store must reflect before it is written: no write skips what was lost."""

from __future__ import annotations

from palate.errors import StoreError

__all__ = ["OutOfStepError", "check_after"]


class OutOfStepError(StoreError):
    """The store reflects another offset than a write builds on; nothing was written."""


def check_after(offset: int, after: int | None) -> None:
    """Refuse a write that builds on `after` where the store reflects `offset`.

    Raises:
        OutOfStepError: They differ.
    """
    if after is not None and offset != after:
        raise OutOfStepError(
            f"the online store reflects offset {offset}, and this write follows {after}",
            hint="it came back older than it was: the writer applies the log to it again",
        )

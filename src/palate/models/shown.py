"""Models that learn from what was shown and left alone, beside what people did."""

from __future__ import annotations

from typing import Protocol, Self, runtime_checkable

import polars as pl

__all__ = ["LearnsFromShown"]


@runtime_checkable
class LearnsFromShown(Protocol):
    """What was shown to somebody and not taken is a negative of theirs."""

    def with_shown(self, shown: pl.DataFrame) -> Self:
        """Itself, to be fitted with what was shown.

        Args:
            shown: As `data.shown.shown_in` gives it.
        """
        ...

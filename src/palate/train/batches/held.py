"""The rows of one shuffling buffer, in the frames in which they were read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from palate.types import Int64Array

__all__ = ["Held", "Picked"]


class Held:
    """Frames that are picked from as if they were one.

    They are not joined, nor given to polars as one frame in pieces: both copy a whole buffer,
    which would be a third one in memory beside that which is used and that which is read ahead.

    Args:
        frames: At least one, all of one schema.
    """

    def __init__(self, frames: Sequence[pl.DataFrame]) -> None:
        self._frames = [frame.rechunk() for frame in frames]
        self._starts = np.cumsum([0, *(frame.height for frame in frames)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def rows(self, wanted: Int64Array) -> pl.DataFrame:
        """(len(wanted), ...) the rows of these numbers, counted through all frames."""
        owners = np.searchsorted(self._starts, wanted, side="right") - 1
        by_owner = np.argsort(owners, kind="stable")
        ends = np.searchsorted(owners[by_owner], np.arange(len(self._frames) + 1))
        found: list[pl.DataFrame] = []
        for at, frame in enumerate(self._frames):
            own = by_owner[ends[at] : ends[at + 1]]
            if len(own):
                found.append(frame[wanted[own] - self._starts[at]])
        if not found:
            return self._frames[0].clear()
        if len(found) == 1:  # they stand as they were asked for
            return found[0]
        places = np.empty(len(wanted), np.int64)
        places[by_owner] = np.arange(len(wanted))
        return pl.concat(found, rechunk=True)[places]


class Picked:
    """Rows picked from frames, one after the other."""

    def __init__(self) -> None:
        self._frames: list[pl.DataFrame] = []

    def __len__(self) -> int:
        return sum(frame.height for frame in self._frames)

    def take(self, held: Held, wanted: Int64Array) -> None:
        """Hold besides the rows of these numbers."""
        self._frames.append(held.rows(wanted))

    def clear(self) -> None:
        """Hold no rows."""
        self._frames.clear()

    def frame(self) -> pl.DataFrame:
        """The rows that it holds, of one picking at least."""
        return self._frames[0] if len(self._frames) == 1 else pl.concat(self._frames)

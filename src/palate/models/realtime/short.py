"""Examples that know only a few of their user's newest events, as of somebody who has just come.

Most examples come from people who did much, so nets learn to read long histories; who has done
one thing or three is then asked about as if little was known of a regular. Histories cut at
random teach both.

Source: Tan, Xu and Liu 2016, "Improved recurrent neural networks for session-based
recommendations", DLRS, section 3.1 (every prefix of a session is an example; here what is cut is
the old end, since what is known of a newcomer is the newest).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from palate.data.histories import Histories
from palate.types import Int32Array, Int64Array

__all__ = ["ALL", "FEW", "known_lengths", "newest_only"]

ALL: Final = -1  # events known of an example that is not cut
FEW: Final = 10  # events known of one that is cut, at most
_CUT: Final = 5  # what a generator is for, within its key


def known_lengths(n: int, *, share: float, seed: int) -> Int32Array:
    """(n,) int32 how many events each example knows at most: `ALL`, or 1 to `FEW`.

    Few are more often drawn than many: 1 as often as 2 and 3 together.

    Args:
        n: Examples.
        share: Of those that are cut.
        seed: Of the draw.
    """
    rng = np.random.default_rng((seed, _CUT))
    cut = rng.random(n) < share
    lengths = np.floor(np.exp(rng.uniform(0.0, np.log(FEW + 1), n)))
    return np.where(cut, np.minimum(lengths, FEW), ALL).astype(np.int32)


def newest_only(
    histories: Histories, entries: Int64Array, among: Int64Array, lengths: Int32Array
) -> tuple[Histories, Int64Array]:
    """Of each entry a history of its own: the newest events before it, then the entry itself.

    Args:
        histories: Of everybody.
        entries: (n,) places among their entries.
        among: Places of the entries that count, ascending.
        lengths: (n,) at least 0, how many events before each are kept.

    Returns:
        n histories, and (n,) the places of the entries in them.
    """
    owners = np.searchsorted(histories.indptr, entries, side="right") - 1
    stop = np.searchsorted(among, entries)
    start = np.maximum(stop - lengths, np.searchsorted(among, histories.indptr[owners]))
    indptr = np.concatenate(([0], np.cumsum(stop - start + 1))).astype(np.int64)
    last = indptr[1:] - 1
    kept = np.ones(int(indptr[-1]), np.bool_)
    kept[last] = False
    places = np.empty(len(kept), np.int64)
    within = np.arange(len(kept)) - np.repeat(indptr[:-1] - start, np.diff(indptr))
    places[kept], places[last] = among[within[kept]], entries
    return histories.entries(indptr, places), last

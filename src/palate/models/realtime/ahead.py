"""How far ahead of what it knows an example looks: to the next event, or to some later one.

Who is judged by all that they do for months is asked another question than what comes next: the
next film mostly resembles the last one, those of the year after resemble the person. An example
whose item lies some events beyond what is known teaches the second.

Source: Pancha, Zhai, Leskovec and Rosenberg 2022, "PinnerFormer: sequence modeling for user
representation at Pinterest", KDD, section 3.4 (all actions of the next weeks are foreseen, not
the next one alone).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from palate.data.histories import Histories
from palate.types import Int64Array

__all__ = ["known_anywhere", "last_known"]

_AHEAD: Final = 13  # what a generator is for, within its key
_ANYWHERE: Final = 17  # likewise


def last_known(histories: Histories, entries: Int64Array, *, most: int, seed: int) -> Int64Array:
    """(n,) places of the entries before which everything is known, at or before those given.

    Near ones are more often drawn than far ones: 1 ahead as often as 2 and 3 together. Of a user
    who did anything before, one event at least is known.

    Args:
        histories: Of everybody.
        entries: (n,) places among their entries of what is to be foreseen.
        most: An entry is 1 (the next) to `most` events ahead.
        seed: Of the draw.
    """
    if most == 1:
        return entries
    rng = np.random.default_rng((seed, _AHEAD))
    ahead = np.floor(np.exp(rng.uniform(0.0, np.log(most + 1), len(entries)))).astype(np.int64)
    first = histories.indptr[np.searchsorted(histories.indptr, entries, side="right") - 1]
    return np.maximum(entries - np.minimum(ahead, most) + 1, np.minimum(first + 1, entries))


def known_anywhere(histories: Histories, entries: Int64Array, *, seed: int) -> Int64Array:
    """(n,) places before which everything is known, drawn evenly among all up to those given.

    One event at least is known of a user who did anything before.

    Args:
        histories: Of everybody.
        entries: (n,) places among their entries of what is to be foreseen.
        seed: Of the draw.
    """
    rng = np.random.default_rng((seed, _ANYWHERE))
    first = histories.indptr[np.searchsorted(histories.indptr, entries, side="right") - 1]
    before = np.floor(rng.random(len(entries)) * (entries - first)).astype(np.int64)
    known: Int64Array = np.minimum(first + 1 + before, entries)
    return known

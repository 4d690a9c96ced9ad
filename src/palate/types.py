"""The nouns that every package shares: array types, attribute kinds, verdicts, progress."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "AttributeKind",
    "BoolArray",
    "Float32Array",
    "Float64Array",
    "FloatArray",
    "Int32Array",
    "Int64Array",
    "IntArray",
    "Progress",
    "Verdict",
]

Int32Array: TypeAlias = NDArray[np.int32]
Int64Array: TypeAlias = NDArray[np.int64]
IntArray: TypeAlias = NDArray[np.integer[Any]]
Float32Array: TypeAlias = NDArray[np.float32]
Float64Array: TypeAlias = NDArray[np.float64]
FloatArray: TypeAlias = NDArray[np.floating[Any]]
BoolArray: TypeAlias = NDArray[np.bool_]

Progress: TypeAlias = Callable[[int, int, str], None]
"""Called with (done, total, what) by anything that may take over a second; never required."""


class AttributeKind(StrEnum):
    """What an attribute of an item or a user holds, and so how features read it."""

    CATEGORY = "category"  # one value
    CATEGORIES = "categories"  # a list of values
    NUMBER = "number"  # on a linear or logarithmic scale
    TEXT = "text"
    IMAGE = "image"  # a URL or path
    VECTOR = "vector"  # numbers that describe an image or a text, made elsewhere
    TIME = "time"  # UTC


class Verdict(StrEnum):
    """What became of one posted event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # this event_id was accepted before, within the window
    INVALID = "invalid"  # never retry; the reason says why
    RETRY = "retry"  # nothing wrong with it; send it again

"""What is known of the moment of a request: its hour and weekday, or nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np

from palate.types import Float32Array, Int64Array

__all__ = ["NAMES", "context_vector", "contexts_of"]

NAMES: Final = ("known", "hour:sin", "hour:cos", "weekday:sin", "weekday:cos")
HOUR_US: Final = 3_600_000_000
_THURSDAY: Final = 3  # 1970-01-01, counted from Monday


def contexts_of(times_us: Int64Array, *, utc_offset_h: float = 0.0) -> Float32Array:
    """(n, len(NAMES)) float32: hour and weekday as points on circles; zeros where unknown.

    Args:
        times_us: (n,) microseconds since 1970 UTC; -1 where unknown.
        utc_offset_h: Hours added first.
    """
    hours = times_us / HOUR_US + utc_offset_h
    week = (hours / 24 + _THURSDAY) / 7
    turns = np.stack((hours / 24, week), axis=1) * (2 * math.pi)
    found = np.ones((len(times_us), len(NAMES)), np.float32)
    found[:, 1::2], found[:, 2::2] = np.sin(turns), np.cos(turns)
    found[times_us < 0] = 0
    return found


def context_vector(context: Mapping[str, Any] | None) -> Float32Array:
    """(len(NAMES),) float32 of one request; zeros where nothing usable is said.

    Args:
        context: `timestamp`, microseconds since 1970 UTC, and optionally `utc_offset_h`. What is
            missing or of another type counts as unknown: a request is answered all the same.
    """
    said = {} if context is None else context
    time_us, offset_h = said.get("timestamp"), said.get("utc_offset_h", 0.0)
    if not isinstance(offset_h, int | float) or not -24 <= offset_h <= 24:
        offset_h = 0.0
    if not isinstance(time_us, int) or isinstance(time_us, bool) or not 0 <= time_us < 1 << 62:
        return np.zeros(len(NAMES), np.float32)
    return _at(time_us, float(offset_h))


@lru_cache(maxsize=256)  # the user net and the rank net ask for the same moment
def _at(time_us: int, offset_h: float) -> Float32Array:
    hours = time_us / HOUR_US + offset_h  # as `contexts_of`, without arrays of one number
    day, week = 2 * math.pi * hours / 24, 2 * math.pi * (hours / 24 + _THURSDAY) / 7
    turns = (1.0, math.sin(day), math.cos(day), math.sin(week), math.cos(week))
    found = np.array(turns, np.float32)
    found.flags.writeable = False  # several hold it
    return found

"""A breaker: a stage that failed or overran several times in a row rests for a moment."""

from __future__ import annotations

from typing import Final

__all__ = ["REST_S", "TRIPS", "Breaker"]

TRIPS: Final = 3  # faults in a row that send a stage to rest: one pause of the machine is none
REST_S: Final = 1.0  # then it is tried once, and rests again if that goes wrong too


class Breaker:
    """Of one stage of one pipeline, over all its requests."""

    def __init__(self) -> None:
        self._faults = 0
        self._until = float("-inf")

    def rests(self, now_s: float) -> bool:
        """Whether the stage is to be left alone at this moment, in seconds of any clock."""
        return now_s < self._until

    def went_well(self) -> None:
        """The stage did its work within its budget."""
        self._faults = 0

    def went_wrong(self, now_s: float) -> None:
        """It failed, or took longer than its budget."""
        self._faults += 1
        if self._faults >= TRIPS:
            self._until = now_s + REST_S

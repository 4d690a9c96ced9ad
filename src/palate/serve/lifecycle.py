"""Whether a worker's service has started, and whether it is about to end."""

from __future__ import annotations

from typing import Final

__all__ = ["DRAIN", "STARTED", "Lifecycle"]

# What the supervisor tells a worker, a word a line.
STARTED: Final = "started"
DRAIN: Final = "drain"


class Lifecycle:
    """Where this worker's service is between its start and its end.

    Attributes:
        started: Whether every process of the service has come up.
        draining: Whether it ends: load balancers shall look away.
    """

    def __init__(self, *, started: bool = False) -> None:
        self.started = started
        self.draining = False

    def hear(self, word: str) -> None:
        """Take in a word of the supervisor; one that is not known changes nothing."""
        if word == STARTED:
            self.started = True
        elif word == DRAIN:
            self.draining = True

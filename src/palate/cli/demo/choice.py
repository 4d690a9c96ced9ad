"""Three films for one user: what the demo posts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["SHOWN", "Choice"]

SHOWN = 5  # places of a slate that are shown, and in which a change counts


@dataclass(frozen=True)
class Choice:
    """Three films for one user.

    Attributes:
        user: Id.
        genre: All three have it.
        films: Item ids.
        change: New films among the first ones of the slate.
        events: How many the user has in the data.
    """

    user: str
    genre: str
    films: Sequence[str]
    change: int
    events: int

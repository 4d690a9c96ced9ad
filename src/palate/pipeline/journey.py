"""How a slate came about, item by item: for people who ask why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Found", "ItemJourney", "Journey", "Moved"]


@dataclass(frozen=True, slots=True)
class Found:
    """That a source gave an item: at which place, from 1, and with which score of its own."""

    source: str
    place: int
    score: float | None


@dataclass(frozen=True, slots=True)
class Moved:
    """What one attribute of the person's profile did to an item.

    Attributes:
        attribute: Of items, such as `make`.
        by: The item's score, less what it is for the same person with the average person's
            preferences in this attribute.
    """

    attribute: str
    by: float


@dataclass(frozen=True, slots=True)
class ItemJourney:
    """One item of the slate.

    Attributes:
        item_id: Which.
        found: By each source that gave it.
        outcomes: Event type to its probability; empty where nothing ranked.
        score: What it is worth; None: unknown.
        by_score: Its place by score alone, from 1.
        place: Its place in the slate, from 1.
        propensity: The probability of it there.
        moved: Parts of the profile, the strongest first.
    """

    item_id: str
    found: Sequence[Found]
    outcomes: Mapping[str, float]
    score: float | None
    by_score: int
    place: int
    propensity: float
    moved: Sequence[Moved] = ()


@dataclass(frozen=True, slots=True)
class Journey:
    """The whole slate's; the steps with their times are the slate's own.

    Attributes:
        items: In the slate's order.
        dropped: Reason to ids of what was dropped, the first few of each.
    """

    items: Sequence[ItemJourney]
    dropped: Mapping[str, Sequence[str]]

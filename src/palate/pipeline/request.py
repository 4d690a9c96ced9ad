"""What is asked of a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from palate.pipeline.filter import NO_FILTER, Filter
from palate.pipeline.person import Person

__all__ = ["Request"]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One question.

    Attributes:
        user_id: Who asks; None for a visitor or anybody.
        anonymous_id: The visitor.
        person: Who they are, where the caller knows.
        read_person: Reads who they are, in the stage `person`; where neither is given, the part
            `people` is asked.
        now_us: The moment, microseconds since 1970 UTC.
        k: Items wanted; None for the surface's number.
        filter: What every item must be, beside the surface's own filter.
        excluded: Ids that must not be in the answer.
        exclude_seen: Over the surface's own; None leaves it to that.
        candidates: Ranks these, and asks no source.
        context: Of the request, for the nets: device, place, what was searched for.
        cursor: From the page before.
        seed: Of exploration; None draws one.
        explain: Whether to keep the journey of every item.
    """

    now_us: int
    user_id: str | None = None
    anonymous_id: str | None = None
    person: Person | None = None
    read_person: Callable[[], Person] | None = None
    k: int | None = None
    filter: Filter = NO_FILTER
    excluded: AbstractSet[str] = frozenset()
    exclude_seen: bool | None = None
    candidates: Sequence[str] | None = None
    context: Mapping[str, Any] | None = None
    cursor: str | None = None
    seed: int | None = None
    explain: bool = False

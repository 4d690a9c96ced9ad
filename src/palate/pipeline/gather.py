"""From sources to candidates that may be shown: retrieve, drop, and look deeper while too few."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from palate.errors import DataError
from palate.features.item_state import ItemState
from palate.pipeline.candidate import Candidates, Proposal, merged
from palate.pipeline.course import Course
from palate.pipeline.hydrate import with_memories, with_states
from palate.pipeline.parts import ItemStates, Remembered
from palate.pipeline.screen import Dropped, Screen
from palate.pipeline.sources import New, Popular
from palate.pipeline.stage import Asked, Source

__all__ = ["GIVEN", "Gathered", "gather", "given"]

ROUNDS: Final = 4
DEEPER: Final = 4  # times, each round: the last one looks 64 times as deep as the first
FEW: Final = 20_000  # items that pass a filter: so few are named to the sources
GIVEN: Final = "given"  # the source of candidates that the request brings

_NONE: Final = Proposal(())
_UNREAD: Final = "unknown: the state cannot be read"
_UNSCREENED: Final = "unknown: the filter failed"


class Gathered(msgspec.Struct, frozen=True, eq=False):
    """Candidates that may be shown, as far as was looked.

    Attributes:
        candidates: With attributes.
        sources: Names of the columns of `candidates.places`.
        dropped: The others.
        verified: Whether the store was asked about them, rather than memory.
    """

    candidates: Candidates
    sources: tuple[str, ...]
    dropped: Dropped
    verified: bool


def given(asked: Asked, screen: Screen, course: Course) -> Gathered:
    """The candidates that the request brings; those that may not be shown are dropped."""
    found = merged([Proposal(asked.request.candidates or ())])
    return _screened(found, (GIVEN,), asked, screen, course)


def gather(
    sources: Mapping[str, Source],
    fallback: Sequence[str],
    asked: Asked,
    screen: Screen,
    course: Course,
) -> Gathered:
    """What the sources give; while that is too little for the slate, they look deeper.

    Args:
        sources: By stage name, in the order in which they are asked.
        fallback: Kinds of lists that fill a slate which the sources leave short.
        asked: The request.
        screen: What must not be shown.
        course: Notes time and faults.
    """
    proposals: dict[str, Proposal] = {}
    asking = dict(sources)
    for round_ in range(ROUNDS):
        for name, source in asking.items():
            if name not in proposals or not proposals[name].complete:
                proposals[name] = _asked_for(name, source, asked, course)
        found = merged(list(proposals.values()))
        gathered = _screened(found, tuple(proposals), asked, screen, course)
        short = len(gathered.candidates) < asked.k
        if not short or (round_ > 0 and all(one.complete for one in proposals.values())):
            break
        if round_ > 0 and not course.in_time:
            course.fell_back("sources", "the request's budget was gone before the slate was full")
            break
        asked.deeper *= DEEPER
        if round_ == 0:
            asking |= _lists(fallback, asked)
            _narrow(asked, course)
    return gathered


def _asked_for(name: str, source: Source, asked: Asked, course: Course) -> Proposal:
    last_resort = name.startswith("fallback")
    proposal = course.attempt(
        name,
        lambda: _checked(source.propose(asked)),
        lambda: _NONE,
        optional=not last_resort,
    )
    proposal = _NONE if proposal is None else proposal
    course.left(name, len(proposal.ids))
    return proposal


def _checked(proposal: Proposal | None) -> Proposal | None:
    if proposal is not None and proposal.scores is not None:
        n = len(proposal.ids)
        if proposal.scores.shape != (n,):
            raise DataError(f"a source gave {n} items and scores of {proposal.scores.shape}")
    return proposal


def _lists(fallback: Sequence[str], asked: Asked) -> dict[str, Source]:
    """Sources of the last resort, as deep as the slate is long."""
    if asked.parts.lists is None:
        return {}
    depth = max(asked.k, 1)
    makers: dict[str, Callable[[], Source]] = {
        "popular": lambda: Popular(kind="popular", depth=depth),
        "new": lambda: New(kind="new", depth=depth),
    }
    return {f"fallback.{kind}": makers[kind]() for kind in fallback}


def _narrow(asked: Asked, course: Course) -> None:
    """Name the items that pass the filter, if there are so few that naming them pays."""
    lists, wanted = asked.parts.lists, asked.filter
    if lists is None or not wanted:
        return
    ids = course.attempt("narrow", lambda: lists.matching(wanted, FEW + 1), lambda: None)
    if ids is not None and len(ids) <= FEW:
        asked.among = list(ids)


def _screened(
    found: Candidates, sources: tuple[str, ...], asked: Asked, screen: Screen, course: Course
) -> Gathered:
    """Drop by id, hydrate, drop by attributes: from memory, or where that fails from the store."""
    memory = asked.parts.remembered
    if memory is not None:
        dropped = Dropped()
        recalled = _recalled(found, memory, screen, dropped, course)
        if recalled is not None:
            return Gathered(recalled, sources, dropped, verified=False)
    dropped = Dropped()
    read = _read(found, asked.parts.items, screen, dropped, course)
    return Gathered(read, sources, dropped, verified=True)


def _recalled(
    found: Candidates, memory: Remembered, screen: Screen, dropped: Dropped, course: Course
) -> Candidates | None:
    """What may stay as far as memory tells, which looks things up as the filter asks for them."""
    left = _filtered(found, lambda: screen.by_id(found.ids, dropped), course)
    if left is None:
        return None
    known = course.attempt(
        "hydrate", lambda: with_memories(left, memory), lambda: None, optional=False
    )
    if known is None:
        return None
    course.left("hydrate", len(known))
    ids, attributes = known.ids, known.attributes
    return _filtered(known, lambda: screen.by_attributes(ids, attributes, dropped), course)


def _read(
    found: Candidates, items: ItemStates, screen: Screen, dropped: Dropped, course: Course
) -> Candidates:
    """What may stay as the store says; nothing of what cannot be vouched for."""
    left = _filtered(found, lambda: screen.by_id(found.ids, dropped), course)
    if left is None:
        return _none_of(found, _UNSCREENED, dropped)

    def hydrate() -> tuple[Candidates, Sequence[ItemState | None]]:
        states = items.item_states(left.ids)
        return with_states(left, states), states

    hydrated = course.attempt("hydrate", hydrate, lambda: None, optional=False)
    if hydrated is None:
        return _none_of(found, _UNREAD, dropped)
    known, states = hydrated
    course.left("hydrate", len(known))
    kept = _filtered(known, lambda: screen.by_state(known.ids, states, dropped), course)
    return _none_of(found, _UNSCREENED, dropped) if kept is None else kept


def _filtered(
    candidates: Candidates, kept: Callable[[], list[int]], course: Course
) -> Candidates | None:
    """Those whose places `kept` gives; None where it fails. It never rests and is never skipped."""
    left = course.attempt(
        "filter", lambda: _taken(candidates, kept()), lambda: None, optional=False
    )
    if left is not None:
        course.left("filter", len(left))
    return left


def _taken(candidates: Candidates, kept: list[int]) -> Candidates:
    return candidates if len(kept) == len(candidates) else candidates.take(np.array(kept, np.int64))


def _none_of(found: Candidates, why: str, dropped: Dropped) -> Candidates:
    """No candidates: those that went for no reason yet go for this one."""
    gone = {item for ids in dropped.ids.values() for item in ids}
    for item in found.ids:
        if item not in gone:
            dropped.add(why, item)
    return found.take(())

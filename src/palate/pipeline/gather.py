"""From sources to candidates that may be shown: retrieve, drop, and look deeper while too few."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from palate.errors import DataError
from palate.pipeline.candidate import Candidates, Proposal, merged
from palate.pipeline.course import Course
from palate.pipeline.hydrate import with_memories, with_states
from palate.pipeline.screen import Dropped, Screen
from palate.pipeline.sources import New, Popular
from palate.pipeline.stage import Asked, Source

__all__ = ["GIVEN", "Gathered", "gather", "given"]

ROUNDS: Final = 4
DEEPER: Final = 4  # times, each round: the last one looks 64 times as deep as the first
FEW: Final = 20_000  # items that pass a filter: so few are named to the sources
GIVEN: Final = "given"  # the source of candidates that the request brings

_NONE: Final = Proposal(())


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
    """Drop by id, hydrate, drop by attributes."""
    dropped = Dropped()
    kept = screen.by_id(found.ids, dropped)
    candidates = found if len(kept) == len(found) else found.take(kept)
    parts = asked.parts
    if parts.remembered is not None:
        known = with_memories(candidates, parts.remembered)
        recalled = course.attempt(
            "hydrate",
            lambda: screen.by_attributes(known.ids, known.attributes, dropped),
            lambda: None,
            optional=False,
        )
        if recalled is not None:
            return Gathered(_taken(known, recalled), sources, dropped, verified=False)
    states = course.attempt(
        "hydrate", lambda: parts.items.item_states(candidates.ids), lambda: None, optional=False
    )
    if states is None:  # what is not known to be for sale is not shown
        for item in candidates.ids:
            dropped.add("unknown: the state cannot be read", item)
        return Gathered(candidates.take(()), sources, dropped, verified=True)
    course.left("hydrate", len(states))
    kept = screen.by_state(candidates.ids, states, dropped)
    return Gathered(_taken(with_states(candidates, states), kept), sources, dropped, verified=True)


def _taken(candidates: Candidates, kept: list[int]) -> Candidates:
    return candidates if len(kept) == len(candidates) else candidates.take(np.array(kept, np.int64))

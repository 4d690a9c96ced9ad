"""Answers of surfaces with sources: a pipeline over the nets and the index of one space."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from palate.errors import ConfigError
from palate.features.state import State
from palate.pipeline.filter import NO_FILTER, Filter, parse_filter
from palate.pipeline.parts import Parts, Trials
from palate.pipeline.person import Person
from palate.pipeline.request import Request
from palate.pipeline.run import Pipeline
from palate.pipeline.slate import RankedSlate
from palate.pipeline.surface import Surface
from palate.retrieval.index.base import VectorIndex
from palate.serve.answering import Answering
from palate.serve.catalogue import Catalogue
from palate.serve.lists import CatalogueLists
from palate.serve.messages import RecommendationRequest
from palate.serve.moment import Moment
from palate.serve.people import NOBODY, Known, People
from palate.serve.shelf import Loaded
from palate.serve.spans import span

__all__ = ["Asking", "Ran", "Staged"]

_KEPT: Final = 64  # pipelines: surfaces times releases that answer
_WITHDRAWN: Final = frozenset({"deleted", "hidden"})

logger = logging.getLogger(__name__)


class Asking(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A question to a surface with sources.

    Attributes:
        request: As it came.
        surface: What is done.
        answering: What answers.
        now_us: The moment, microseconds since 1970 UTC.
        candidates: Ranks these, and asks no source.
    """

    request: RecommendationRequest
    surface: Surface
    answering: Answering
    now_us: int
    candidates: Sequence[str] | None = None

    @property
    def loaded(self) -> Loaded | None:
        """The release that answers; None where none does."""
        return self.answering.loaded


class Ran(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """An answer, and what it was made from.

    Attributes:
        slate: Of the pipeline.
        known: What was known of who asked.
        moment: The features of the request; None where no nets answered.
        snapshot: Of the index that was searched.
    """

    slate: RankedSlate
    known: Known
    moment: Moment | None
    snapshot: str


@dataclass(frozen=True, slots=True)
class _Ready:
    """A pipeline and what it was made of."""

    index: VectorIndex | None
    pipeline: Pipeline
    people: People
    moment: Moment | None


class _Who:
    """Who asks, read when the pipeline wants to know: nobody until then, and where that fails."""

    def __init__(self, people: People, request: RecommendationRequest, now_us: int) -> None:
        self._people = people
        self._request = request
        self._now_us = now_us
        self.known = NOBODY

    def read(self) -> Person:
        """As stages see them, read once a question."""
        if self.known is NOBODY:
            request = self._request
            with span("state.read"):
                self.known = self._people.known(request.user_id, request.anonymous_id, self._now_us)
        return self.known.person


class Staged:
    """Runs pipelines; each is made once for a surface, a release and an index.

    Args:
        state: People, and what may be shown.
        catalogue: Attributes in memory, new and matching items; None where there is none.
        trials: For Thompson sampling; None where no slate is logged.
    """

    def __init__(
        self, state: State, catalogue: Catalogue | None, trials: Trials | None = None
    ) -> None:
        self._state = state
        self._catalogue = catalogue
        self._trials = trials
        self._ready: dict[tuple[str, str], _Ready] = {}

    def run(self, asking: Asking) -> Ran:
        """The answer to one question.

        Raises:
            DataError: `k`, a filter or the page is impossible.
            StoreError: The log cannot be read.
        """
        request = asking.request
        snapshot = _snapshot(asking.loaded)
        ready = self._of(asking.surface, asking.answering)  # once: no swap changes it now
        who = _Who(ready.people, request, asking.now_us)
        question = Request(
            now_us=asking.now_us,
            user_id=request.user_id,
            anonymous_id=request.anonymous_id,
            read_person=who.read,
            k=request.k,
            filter=_filter(request, asking.surface),
            excluded=frozenset(request.exclude_items),
            candidates=asking.candidates,
            context={"timestamp": asking.now_us},
            cursor=request.page,
            explain=request.explain,
        )
        with span("pipeline.run"):
            slate = ready.pipeline.run(question)
            if self._fell_short(slate, asking):
                slate = ready.pipeline.run(question)
        return Ran(
            slate=slate,
            known=who.known,
            moment=ready.moment,
            snapshot=snapshot,
        )

    def _fell_short(self, slate: RankedSlate, asking: Asking) -> bool:
        """Whether what was sold a moment ago took the places of what is left; not so again."""
        wanted = asking.surface.wanted(asking.request.k)
        if len(slate) >= wanted or not _WITHDRAWN.intersection(slate.dropped):
            return False
        behind = 0
        if self._catalogue is not None:
            while some := self._catalogue.follow():
                behind += some
        loaded = asking.loaded
        if loaded is not None and loaded.space is not None:
            while some := loaded.space.follow():
                behind += some
        return behind > 0

    def _of(self, surface: Surface, answering: Answering) -> _Ready:
        loaded, listed = answering.loaded, answering.listed
        index = None if loaded is None or loaded.space is None else loaded.space.index
        key = (surface.name, "" if listed is None else listed.ref)
        found = self._ready.get(key)
        if found is None or found.index is not index:
            found = self._made(surface, answering, index)
            self._ready.pop(key, None)
            self._ready[key] = found
            while len(self._ready) > _KEPT:
                del self._ready[next(iter(self._ready))]
        return found

    def _made(self, surface: Surface, answering: Answering, index: VectorIndex | None) -> _Ready:
        loaded = answering.loaded
        nets = None if loaded is None else loaded.nets
        layout: Any = None if nets is None else nets.layout
        people = People(self._state, layout, {} if loaded is None else loaded.weights)
        moment = None if nets is None else Moment(nets)
        parts = Parts(
            items=self._state,
            nets=nets,
            index=index,
            lists=CatalogueLists(answering.listed, self._catalogue),
            remembered=self._catalogue,
            features=moment,
            trials=self._trials,
        )
        try:
            pipeline = Pipeline.of(surface, parts)
        except ConfigError as error:  # checked against the schema, and this release differs
            logger.error("surface %s goes without nets: %s", surface.name, error)
            pipeline = Pipeline.of(surface, replace(parts, nets=None))
        return _Ready(index, pipeline, people, moment)


def _filter(request: RecommendationRequest, surface: Surface) -> Filter:
    return parse_filter(request.filters, surface.schema) if request.filters else NO_FILTER


def _snapshot(loaded: Loaded | None) -> str:
    return "" if loaded is None or loaded.space is None else loaded.space.snapshot

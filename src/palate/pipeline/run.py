"""A pipeline: a surface and the parts that it runs on; a request in, a slate out, always."""

from __future__ import annotations

import secrets
import time
from functools import partial
from typing import Final, Self

import numpy as np
from msgspec.structs import replace

from palate.pipeline.breaker import Breaker
from palate.pipeline.candidate import Candidates
from palate.pipeline.course import Clock, Course
from palate.pipeline.explain import Explainer
from palate.pipeline.finish import Finish
from palate.pipeline.fuse import fuse, worth_of
from palate.pipeline.gather import Gathered, gather, given
from palate.pipeline.hydrate import with_features, with_vectors
from palate.pipeline.naming import named
from palate.pipeline.page import Page, first_page, page_of
from palate.pipeline.parts import Parts
from palate.pipeline.person import NOBODY, Person
from palate.pipeline.request import Request
from palate.pipeline.rerank import ranked
from palate.pipeline.score import has_vector, outcomes_of
from palate.pipeline.screen import Screen
from palate.pipeline.slate import RankedSlate
from palate.pipeline.stage import Asked, StageSettings
from palate.pipeline.surface import Surface
from palate.types import Float32Array

__all__ = ["Pipeline"]

_NO_INDEX: Final = "there is no index"
_LACKS: Final = {
    "nets": "there are no nets",
    "index": _NO_INDEX,
    "lists": "there are no lists of items",
}
BEYOND: Final = "beyond ranked"  # why candidates go that more than `ranked` are ahead of
_RECENT: Final = 50  # last items whose vectors are read; a source or a net may look at fewer


class Pipeline:
    """Answers requests to one surface. Parts never change: a swap makes a new pipeline.

    Args:
        surface: What is done.
        parts: What it is done with.
        clock: Seconds, for budgets.

    Raises:
        ConfigError: The surface values outcomes that the nets know nothing of.
    """

    def __init__(self, surface: Surface, parts: Parts, *, clock: Clock = time.perf_counter) -> None:
        self.surface = surface
        self.parts = parts
        self._clock = clock
        settings = surface.settings
        sources, rerank = named("sources", settings.sources), named("rerank", settings.rerank)
        staged: dict[str, StageSettings] = {**sources, **rerank}
        self._lacking = {name: lack for name, s in staged.items() if (lack := _lack(s, parts))}
        usable = {name: stage for name, stage in staged.items() if name not in self._lacking}
        self._sources = {name: s for name, s in sources.items() if name in usable}
        self._finish = Finish({name: s for name, s in rerank.items() if name in usable}, parts)
        self._outcomes: tuple[str, ...] = ()
        self._worth: Float32Array = np.empty(0, np.float32)
        if settings.score == "nets":
            if parts.nets is None or parts.index is None:
                self._lacking["score"] = "there are no nets" if parts.nets is None else _NO_INDEX
            else:
                self._outcomes = parts.nets.outcomes
                self._worth = worth_of(settings.worth, surface.schema, self._outcomes)
        ranks = bool(self._outcomes)
        self._reads_vectors = parts.index is not None and (ranks or self._finish.reads_vectors)
        for stage in usable.values():
            stage.warm_up()
        self._budgets_ms = settings.budgets()
        self._breakers = {name: Breaker() for name in self._budgets_ms}

    @classmethod
    def of(cls, surface: Surface, parts: Parts) -> Self:
        """The pipeline of a surface; errors as the constructor's."""
        return cls(surface, parts)

    def run(self, request: Request) -> RankedSlate:
        """The slate.

        Whatever fails, there is one: with fewer items, or in a simpler order, and saying so.

        Raises:
            DataError: `k` or the cursor is impossible.
        """
        k = self.surface.wanted(request.k)
        page = self._page(request)
        course = Course(
            self._clock, self.surface.settings.budget_ms, self._breakers, self._budgets_ms
        )
        for stage, why in self._lacking.items():
            course.fell_back(stage, why)
        asked = self._asked(request, k, page, course)
        screen = self._screen(asked, page)
        gathered = self._gathered(asked, screen, course)
        scored, nan_scores = self._scored(gathered.candidates, asked, course)
        ranking = self._finish.reranked(ranked(scored), asked, course)
        ranking = self._finish.verified(ranking, gathered, screen, asked, course)
        explored = self._finish.explored(ranking, gathered.sources, asked, page, course)
        journey = None
        if request.explain:
            explainer = Explainer(gathered, asked, self._worth, self._outcomes)
            journey = course.attempt(
                "explain", lambda: explainer.journey(ranking, explored), lambda: None,
                optional=False,
            )  # fmt: skip
        shown = ranking.candidates.take(explored.rows)
        features = self.parts.features
        return RankedSlate(
            ids=shown.ids,
            scores=_finite(shown.scores, len(shown)),
            propensities=explored.propensities,
            drawn=explored.drawn,
            sources=_sources(shown, gathered.sources),
            attributes=shown.attributes,
            outcomes=shown.outcomes,
            outcome_names=self._outcomes,
            features=shown.features,
            features_fingerprint=None if features is None else features.fingerprint,
            degraded=tuple(course.degraded),
            late=tuple(course.late),
            steps=tuple(course.steps),
            dropped=gathered.dropped.counts(),
            nan_scores=nan_scores,
            cursor=page.next(shown.ids) if len(shown) == k and not request.candidates else None,
            journey=journey,
        )

    # ------------------------------------------------------------------ who asks

    def _page(self, request: Request) -> Page:
        if request.cursor is not None:
            return page_of(request.cursor, self.surface.name)
        seed = secrets.randbits(64) if request.seed is None else request.seed
        return first_page(self.surface.name, seed)

    def _asked(self, request: Request, k: int, page: Page, course: Course) -> Asked:
        person = self._person(request, course)
        wanted = self.surface.filter & request.filter
        asked = Asked(request, self.parts, self.surface.schema, k, wanted, person)
        asked.extra = len(page.shown)
        asked.reads_vectors = self._reads_vectors
        asked.recent = self._recent(person, course)
        asked.user = self._user(asked, course)
        return asked

    def _person(self, request: Request, course: Course) -> Person:
        """Who asks; read however late it is, for what they have blocked and seen must not show."""
        if request.person is not None:
            return request.person
        read, people = request.read_person, self.parts.people
        if read is None and people is not None:
            who = request.user_id, request.anonymous_id, request.now_us
            read = partial(people.person, *who)
        if read is None:
            return NOBODY
        return course.attempt("person", read, lambda: NOBODY, optional=False)

    def _recent(self, person: Person, course: Course) -> Float32Array | None:
        index = self.parts.index
        if index is None or not person.recent:
            return None

        def read() -> Float32Array:
            vectors = index.vectors(person.recent[-_RECENT:])
            held = has_vector(vectors)
            return vectors if held.all() else vectors[held]

        return course.attempt("recent", read, lambda: None)

    def _user(self, asked: Asked, course: Course) -> Float32Array | None:
        nets, profile = self.parts.nets, asked.person.profile
        if nets is None or profile is None:
            return None
        recent = asked.recent
        if recent is None:
            recent = np.empty((0, nets.dimension), np.float32)
        context = asked.request.context
        return course.attempt(
            "user", lambda: nets.embed_user(profile, recent, context), lambda: None
        )

    # ------------------------------------------------------------------ candidates

    def _screen(self, asked: Asked, page: Page) -> Screen:
        request, person = asked.request, asked.person
        exclude_seen = request.exclude_seen
        if exclude_seen is None:
            exclude_seen = self.surface.exclude_seen and request.candidates is None
        ids = {"excluded": request.excluded}
        if exclude_seen:
            ids["seen"] = person.seen
        return Screen(asked.filter, ids, person.blocked, page.was_shown if page.shown else None)

    def _gathered(self, asked: Asked, screen: Screen, course: Course) -> Gathered:
        if asked.request.candidates is not None:
            return given(asked, screen, course)
        fallback = self.surface.settings.fallback
        gathered = gather(self._sources, fallback, asked, screen, course)
        most = max(self.surface.settings.ranked, asked.k)
        if len(gathered.candidates) > most:
            order = np.argsort(-gathered.candidates.agreement(), kind="stable")
            for place in order[most:].tolist():
                gathered.dropped.add(BEYOND, gathered.candidates.ids[place])
            kept = gathered.candidates.take(np.sort(order[:most]))
            gathered = replace(gathered, candidates=kept)
        return gathered

    # ------------------------------------------------------------------ scores

    def _scored(
        self, candidates: Candidates, asked: Asked, course: Course
    ) -> tuple[Candidates, int]:
        """As `_fused`, of what the rank net says where it can."""
        index, nets, user = self.parts.index, self.parts.nets, asked.user
        ranks = nets is not None and user is not None and "score" not in self._lacking
        ranks = ranks and self.surface.settings.score == "nets" and len(candidates) > 0
        if index is not None and (ranks or self._finish.reads_vectors):
            plain = candidates
            candidates = course.attempt(
                "vectors", lambda: with_vectors(plain, index), lambda: plain
            )
        if not ranks or nets is None or user is None:
            return self._fused(candidates, None, course)
        ready = self._featured(candidates, asked, course)
        outcomes = course.attempt("score", lambda: outcomes_of(nets, user, ready), lambda: None)
        if outcomes is not None:
            course.left("score", len(ready))
        return self._fused(ready, outcomes, course)

    def _fused(
        self, candidates: Candidates, outcomes: Float32Array | None, course: Course
    ) -> tuple[Candidates, int]:
        """Scored candidates, and how many of them got no finite score from the rank net.

        Never skipped: it is a few microseconds, and what the net said late counts.
        """
        if outcomes is None:
            return course.attempt(
                "fuse", lambda: _agreed(candidates), lambda: candidates, optional=False
            ), 0
        fused = course.attempt(
            "fuse",
            lambda: candidates.with_scores(fuse(outcomes, self._worth), outcomes),
            lambda: _agreed(candidates),
            optional=False,
        )
        if fused.outcomes is None or fused.scores is None or fused.vectors is None:
            return fused, 0
        unknown = np.isnan(fused.scores)
        if not unknown.any():  # nearly always
            return fused, 0
        embedded = has_vector(fused.vectors)
        nan_scores = int(unknown[embedded].sum())
        if nan_scores == int(embedded.sum()):
            none = "the rank net gave no finite score" if nan_scores else "no item has a vector"
            course.fell_back("score", none)
            return _agreed(candidates), nan_scores
        return fused, nan_scores

    def _featured(self, candidates: Candidates, asked: Asked, course: Course) -> Candidates:
        features = self.parts.features
        if features is None:
            return candidates
        person, context = asked.person, asked.request.context
        return course.attempt(
            "features",
            lambda: with_features(candidates, features, person, context),
            lambda: candidates,
        )


def _lack(stage: StageSettings, parts: Parts) -> str | None:
    """Why a stage cannot do its work with these parts."""
    return next((_LACKS[name] for name in stage.needs if getattr(parts, name) is None), None)


def _agreed(candidates: Candidates) -> Candidates:
    """Scored by how high the sources placed them: what is left where nothing can rank."""
    return candidates.with_scores(candidates.agreement())


def _sources(shown: Candidates, names: tuple[str, ...]) -> list[tuple[str, ...]]:
    if len(names) == 1:
        return [names] * len(shown)
    return [
        tuple(name for name, place in zip(names, places, strict=True) if place >= 0)
        for places in shown.places.tolist()
    ]


def _finite(scores: Float32Array | None, n: int) -> Float32Array:
    """(n,) float32: what has no score gets the least of the others'."""
    if scores is None:
        return np.zeros(n, np.float32)
    unknown = np.isnan(scores)
    if not unknown.any():
        return scores
    least = scores[~unknown].min() if not unknown.all() else np.float32(0.0)
    return np.where(unknown, least, scores).astype(np.float32)

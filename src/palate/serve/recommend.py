"""From a question to a slate, without HTTP: what the service and the command line share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from palate.data.histories import Histories
from palate.errors import DataError, UnknownItemError, UnsupportedError
from palate.events.identity import now_us, uuid7
from palate.events.served import Slate
from palate.features.state import State
from palate.pipeline.filter import NO_FILTER, parse_filter
from palate.pipeline.parts import Trials
from palate.pipeline.surface import Surface
from palate.serve.answering import Answering, answering
from palate.serve.catalogue import Catalogue
from palate.serve.counters import Counters
from palate.serve.faults import ModelFaultError
from palate.serve.history import Past, fold
from palate.serve.messages import (
    PopularItems,
    RankRequest,
    RecommendationRequest,
    RecommendationResponse,
    SearchRequest,
    SimilarItems,
)
from palate.serve.people import past_of
from palate.serve.place import Place
from palate.serve.reasons import items_of
from palate.serve.shelf import Loaded, Shelf
from palate.serve.slate import Chosen, Wanted, fill
from palate.serve.source import ModelSource, NewestSource, PopularSource, SimilarSource, Source
from palate.serve.spans import current_span, span
from palate.serve.staged import Asking, Staged
from palate.serve.told import less, logged, logged_ranking, told
from palate.store.redis_server import StoreAwayError

__all__ = ["Recommendations"]

_NO_HISTORY: Final = Past()

logger = logging.getLogger(__name__)


class Recommendations:
    """Answers questions from the state and the loaded releases.

    Args:
        state: Users' pasts, and what may be shown.
        shelf: Loaded releases.
        place: Surfaces, default alias, limits.
        counters: Degraded answers are counted there.
        catalogue: For selective filters, and for answers without a release.
        trials: For Thompson sampling.
        served: Told of every slate that `recommend` answers with.
    """

    def __init__(
        self,
        state: State,
        shelf: Shelf,
        place: Place,
        *,
        counters: Counters | None = None,
        catalogue: Catalogue | None = None,
        trials: Trials | None = None,
        served: Callable[[Slate], None] | None = None,
    ) -> None:
        self._served = served
        self._state = state
        self._shelf = shelf
        self._place = place
        self._counters = counters
        self._catalogue = catalogue
        self._staged = Staged(state, catalogue, trials)

    # ------------------------------------------------------------------ questions

    def recommend(
        self, request: RecommendationRequest, *, request_id: str | None = None
    ) -> RecommendationResponse:
        """The slate for one user.

        Args:
            request: Who asks, and for what.
            request_id: Of the slate; distinct for each. None makes one.

        Raises:
            DataError: `k`, the surface or a filter is impossible.
            UnknownReleaseError: The request names a release that does not exist.
            ReleaseNotLoadedError: It names one that is not loaded.
            StoreError: The state cannot be read.
        """
        return self._answered(request, self._surface(request.surface), request_id)

    def rank(
        self, request: RankRequest, *, request_id: str | None = None
    ) -> RecommendationResponse:
        """Given items in the order that is best for one user; errors as `recommend`.

        Nets rank every item with a vector. A model without nets leaves out items that it does
        not know.
        """
        surface = self._surface(request.surface, self._place.rank)
        candidates = list(dict.fromkeys(request.candidates))
        k = min(len(candidates), surface.max_k) if request.k is None else request.k
        question = RecommendationRequest(
            user_id=request.user_id,
            anonymous_id=request.anonymous_id,
            k=k,
            surface=request.surface,
            filters=request.filters,
            release=request.release,
            explain=request.explain,
        )
        return self._answered(question, surface, request_id, candidates)

    def search(
        self, request: SearchRequest, *, request_id: str | None = None
    ) -> RecommendationResponse:
        """Items with the attributes that somebody looks for, the best for them first.

        Raises:
            DataError: As `recommend`.
        """
        surface = self._surface(request.surface, self._place.search)
        question = RecommendationRequest(
            user_id=request.user_id,
            anonymous_id=request.anonymous_id,
            k=request.k,
            surface=request.surface,
            filters=request.filters,
            release=request.release,
            explain=request.explain,
            page=request.page,
        )
        return self._answered(question, surface, request_id)

    def _answered(
        self,
        request: RecommendationRequest,
        surface: Surface,
        request_id: str | None,
        candidates: list[str] | None = None,
    ) -> RecommendationResponse:
        answers = self._answering(request.release, surface.alias)
        loaded = answers.loaded
        by_nets = loaded is None or loaded.nets is not None or self._place.declares(surface)
        if surface.has_pipeline and by_nets:
            asking = Asking(
                request=request,
                surface=surface,
                answering=answers,
                now_us=now_us(),
                candidates=candidates,
            )
            return self._staged_answer(asking, request_id or uuid7())
        if request.page is not None:
            raise DataError("this surface has no pages", hint="pages are of surfaces with sources")
        return self._ranked_answer(request, surface, answers, request_id or uuid7(), candidates)

    def _staged_answer(self, asking: Asking, request_id: str) -> RecommendationResponse:
        ran = self._staged.run(asking)
        response = told(asking, ran, request_id)
        if response.degraded and self._counters is not None:
            self._counters.degraded()
        _note(asking.loaded, degraded=response.degraded)
        if self._served is not None:
            self._served(logged(asking, ran, response))
        return response

    def _ranked_answer(
        self,
        request: RecommendationRequest,
        surface: Surface,
        answers: Answering,
        request_id: str,
        candidates: list[str] | None,
    ) -> RecommendationResponse:
        """By the release's model alone."""
        wanted = self._wanted(request.k, request.filters, surface, request.exclude_items)
        loaded, degraded = answers.loaded, bool(answers.why)
        try:
            with span("state.read"):
                past = past_of(self._state, request.user_id, request.anonymous_id)
        except StoreAwayError as error:
            logger.warning("who asks is not known: %s", error)
            past, degraded = _NO_HISTORY, True
        seen = past.item_ids if surface.exclude_seen else ()
        history: Histories | None = None
        chosen: list[Chosen] | None = None
        if loaded is not None and past.item_ids:
            history = fold(past, loaded)
            if len(history):
                source: Source = ModelSource(loaded, history, exclude_seen=surface.exclude_seen)
                source = source if candidates is None else source.narrow(candidates)
                chosen = self._filled_by_model(source, wanted)
                degraded = degraded or chosen is None
        if chosen is None:
            history = None
            fallback = self._fallback(answers.listed, seen)
            if fallback is not None and candidates is not None:
                fallback = fallback.narrow(candidates)
            chosen = self._fill(fallback, wanted)
        if degraded and self._counters is not None:
            self._counters.degraded()
        _note(loaded, degraded=degraded)
        response = RecommendationResponse(
            request_id=request_id,
            release=answers.ref,
            degraded=degraded,
            items=items_of(chosen, loaded, history, explain=request.explain),
            fell_back=less(answers),
        )
        if self._served is not None:
            used = past if history is not None else _NO_HISTORY
            self._served(logged_ranking(request, response, used))
        return response

    def popular(
        self,
        k: int | None = None,
        *,
        filters: Mapping[str, Any] | None = None,
        release: str | None = None,
    ) -> PopularItems:
        """What most people touched; errors as `recommend`."""
        wanted = self._wanted(k, filters, Surface())
        answers = self._answering(release, None)
        chosen = self._fill(self._fallback(answers.listed), wanted)
        degraded = bool(answers.why)
        _note(answers.loaded, degraded=degraded)
        return PopularItems(
            release=answers.ref,
            degraded=degraded,
            items=items_of(chosen, answers.loaded, None, explain=False),
        )

    def similar(
        self,
        item_id: str,
        k: int | None = None,
        *,
        filters: Mapping[str, Any] | None = None,
        release: str | None = None,
    ) -> SimilarItems:
        """The items nearest to one; errors as `recommend`.

        Raises:
            UnknownItemError: Neither the release nor the catalogue knows the item, or it was
                deleted.
            UnsupportedError: The release's model has no notion of similar items.
        """
        wanted = self._wanted(k, filters, Surface())
        loaded = self._answering(release, None).loaded
        known = self._state.item(item_id)
        row = -1 if loaded is None else loaded.model.vocabulary.row(item_id)
        if (known is None and row < 0) or (known is not None and known.deleted):
            raise UnknownItemError(f"there is no item {item_id!r}")
        chosen: list[Chosen] = []
        if loaded is not None and row >= 0:
            if "similar_items" not in loaded.model.capabilities:
                raise UnsupportedError(
                    f"release {loaded.ref} ({loaded.model.name}) has no notion of similar items",
                    hint="ask for a release of sar, itemknn, ease or contentknn",
                )
            chosen = self._filled_by_model(SimilarSource(loaded, row), wanted) or []
        _note(loaded, degraded=loaded is None)
        return SimilarItems(
            item_id=item_id,
            release=None if loaded is None else loaded.ref,
            items=items_of(chosen, loaded, None, explain=False),
        )

    # ------------------------------------------------------------------ parts

    def _surface(self, name: str | None, default: Surface | None = None) -> Surface:
        if name is None:
            return Surface() if default is None else default
        surface = self._place.surfaces.get(name)
        if surface is None:
            known = ", ".join(sorted(self._place.surfaces)) or "the settings declare none"
            raise DataError(f"no surface {name!r}", hint=f"declared: {known}")
        return surface

    def _wanted(
        self,
        k: int | None,
        filters: Mapping[str, Any] | None,
        surface: Surface,
        excluded: list[str] | None = None,
    ) -> Wanted:
        k = surface.k if k is None else k
        if not 1 <= k <= self._place.max_k:
            raise DataError(f"k is {k}; it is from 1 to {self._place.max_k}")
        asked = parse_filter(filters, self._place.schema) if filters else NO_FILTER
        return Wanted(k, surface.filter & asked, frozenset(excluded or ()))

    def _answering(self, release: str | None, alias: str | None) -> Answering:
        return answering(self._shelf, release, alias, self._place.alias)

    def _fallback(self, loaded: Loaded | None, seen: Collection[str] = ()) -> Source | None:
        if loaded is not None:
            return PopularSource(loaded, seen)
        return None if self._catalogue is None else NewestSource(self._catalogue, seen)

    def _fill(self, source: Source | None, wanted: Wanted) -> list[Chosen]:
        return [] if source is None else fill(source, wanted, self._state, self._catalogue)

    def _filled_by_model(self, source: Source, wanted: Wanted) -> list[Chosen] | None:
        """The slate, or None where the model failed; that is logged with all that is known."""
        try:
            return fill(source, wanted, self._state, self._catalogue)
        except ModelFaultError as error:
            logger.exception("release %s failed; something simpler answers", error)
            return None


def _note(loaded: Loaded | None, *, degraded: bool) -> None:
    """Say in the request's span what answered."""
    asked = current_span()
    asked.note("palate.release", "" if loaded is None else loaded.ref)
    asked.note("palate.degraded", degraded)

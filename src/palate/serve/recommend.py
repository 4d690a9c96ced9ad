"""From a question to a slate, without HTTP: what the service and the command line share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from palate.config import Schema, ServeSettings
from palate.data.histories import Histories
from palate.errors import DataError, UnknownItemError, UnsupportedError
from palate.events.identity import now_us, uuid7
from palate.events.served import Slate
from palate.features.state import State
from palate.pipeline.filter import NO_FILTER, parse_filter
from palate.serve.catalogue import Catalogue
from palate.serve.counters import Counters
from palate.serve.faults import MODEL_FAULTS, ModelFaultError
from palate.serve.history import Past, fold, merge
from palate.serve.messages import (
    PopularItems,
    ReasonDocument,
    RecommendationRequest,
    RecommendationResponse,
    RecommendedItem,
    SimilarItems,
)
from palate.serve.shelf import Loaded, Shelf
from palate.serve.slate import Chosen, Wanted, fill
from palate.serve.source import ModelSource, NewestSource, PopularSource, SimilarSource, Source
from palate.serve.spans import current_span, span
from palate.serve.surfaces import Surface

__all__ = ["Place", "Recommendations"]

_REASONS: Final = 3  # of the user's items, at most, for each recommended one
_NO_HISTORY: Final = Past()

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where and for whom this service answers: the parts of the settings that it needs.

    Attributes:
        schema: Declares the attributes that filters may name.
        surfaces: By name, checked.
        alias: What answers where neither request nor surface says.
        max_k: Largest slate.
    """

    schema: Schema
    surfaces: Mapping[str, Surface]
    alias: str
    max_k: int

    @classmethod
    def of(cls, schema: Schema, surfaces: Mapping[str, Surface], serve: ServeSettings) -> Place:
        """The place that the settings describe."""
        return cls(schema, surfaces, serve.alias, serve.max_k)


class Recommendations:
    """Answers questions from the state and the loaded releases.

    Args:
        state: Users' pasts, and what may be shown.
        shelf: Loaded releases.
        place: Surfaces, default alias, limits.
        counters: Degraded answers are counted there.
        catalogue: For selective filters, and for answers without a release.
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
        served: Callable[[Slate], None] | None = None,
    ) -> None:
        self._served = served
        self._state = state
        self._shelf = shelf
        self._place = place
        self._counters = counters
        self._catalogue = catalogue

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
        surface = self._surface(request.surface)
        wanted = self._wanted(request.k, request.filters, surface, request.exclude_items)
        loaded, degraded = self._answering(request.release, surface.alias)
        with span("state.read"):
            past = self._past(request.user_id, request.anonymous_id)
        seen = past.item_ids if surface.exclude_seen else ()
        history: Histories | None = None
        chosen: list[Chosen] | None = None
        if loaded is not None and past.item_ids:
            history = fold(past, loaded)
            if len(history):
                source = ModelSource(loaded, history, exclude_seen=surface.exclude_seen)
                chosen = self._filled_by_model(source, wanted)
                degraded = degraded or chosen is None
        if chosen is None:
            history = None
            chosen = self._fill(self._fallback(loaded, seen), wanted)
        if degraded and self._counters is not None:
            self._counters.degraded()
        _note(loaded, degraded=degraded)
        response = RecommendationResponse(
            request_id=request_id or uuid7(),
            release=None if loaded is None else loaded.ref,
            degraded=degraded,
            items=_items(chosen, loaded, history, explain=request.explain),
        )
        if self._served is not None:
            self._served(_slate(request, response, past if history is not None else _NO_HISTORY))
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
        loaded, degraded = self._answering(release, None)
        chosen = self._fill(self._fallback(loaded), wanted)
        _note(loaded, degraded=degraded)
        return PopularItems(
            release=None if loaded is None else loaded.ref,
            degraded=degraded,
            items=_items(chosen, loaded, None, explain=False),
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
        loaded, _ = self._answering(release, None)
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
            items=_items(chosen, loaded, None, explain=False),
        )

    # ------------------------------------------------------------------ parts

    def _surface(self, name: str | None) -> Surface:
        if name is None:
            return Surface()
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

    def _answering(self, release: str | None, alias: str | None) -> tuple[Loaded | None, bool]:
        """What answers, and whether it is less than what was meant to."""
        if release is not None:
            return self._shelf.find(release), False
        aliases = self._shelf.view.aliases
        default = aliases.get(self._place.alias)
        if alias is None:
            return default, default is None
        loaded = aliases.get(alias)
        return (default, True) if loaded is None else (loaded, False)

    def _past(self, user_id: str | None, anonymous_id: str | None) -> Past:
        if anonymous_id is not None and (linked := self._state.linked(anonymous_id)) is not None:
            user_id, anonymous_id = user_id or linked, None  # all of it is with that user
        if anonymous_id is None:
            return _NO_HISTORY if user_id is None else Past.of(self._state.user(user_id))
        visitor = Past.of(self._state.anonymous(anonymous_id))
        return visitor if user_id is None else merge(visitor, Past.of(self._state.user(user_id)))

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


def _slate(request: RecommendationRequest, response: RecommendationResponse, past: Past) -> Slate:
    """What was shown, and the `past` that its scores came from."""
    n = len(response.items)
    return Slate(
        request_id=response.request_id,
        user_id=request.user_id,
        anonymous_id=request.anonymous_id,
        surface=request.surface,
        timestamp=now_us(),
        items=[item.item_id for item in response.items],
        scores=[item.score for item in response.items],
        propensities=[1.0] * n,  # nothing is random yet
        release=response.release,
        degraded=response.degraded,
        history_length=len(past.item_ids),
        history_offset=past.offset,
    )


def _items(
    chosen: list[Chosen], loaded: Loaded | None, history: Histories | None, *, explain: bool
) -> list[RecommendedItem]:
    if not explain:
        return [RecommendedItem(item_id, score) for item_id, score, _ in chosen]
    return [RecommendedItem(c.item_id, c.score, _reasons(c, loaded, history)) for c in chosen]


def _reasons(
    chosen: Chosen, loaded: Loaded | None, history: Histories | None
) -> list[ReasonDocument]:
    """Which of the user's items speak for this one; none for a popular or new item."""
    if loaded is None or history is None or "explain" not in loaded.model.capabilities:
        return []
    try:
        reasons = loaded.model.explain_history(history, chosen.row, k=_REASONS)
    except MODEL_FAULTS:
        logger.exception("release %s cannot explain item %r", loaded.ref, chosen.item_id)
        return []
    return [ReasonDocument(reason.item_id, reason.share) for reason in reasons]

"""The bodies of requests and answers, as the service and the command line share them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from palate.pipeline.course import Degraded, Late, Step
from palate.pipeline.journey import ItemJourney
from palate.types import Verdict

__all__ = [
    "EventResult",
    "EventResults",
    "Explanation",
    "HealthDocument",
    "IdentifyBody",
    "IdentifyDocument",
    "ItemBody",
    "ItemDocument",
    "ItemPage",
    "PopularItems",
    "RankRequest",
    "ReadyDocument",
    "ReasonDocument",
    "RecommendationRequest",
    "RecommendationResponse",
    "RecommendedItem",
    "ReleaseDocument",
    "ReleaseList",
    "SearchRequest",
    "SimilarItems",
    "SurfaceDocument",
    "SurfaceList",
    "UserBody",
    "UserDocument",
    "UserEvent",
]

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
Release = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Page = Annotated[str, msgspec.Meta(min_length=1, max_length=8_000)]


class RecommendationRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Who asks, and for what.

    Attributes:
        user_id: Who; may be unknown.
        anonymous_id: A visitor who has not signed in; with `user_id`, what both did counts.
        k: Items wanted; the surface's number by default.
        surface: A surface of the settings.
        filters: Attribute conditions that every item must meet.
        exclude_items: Items that must not be in the answer.
        release: `name:version` or an alias, instead of the surface's own.
        explain: Whether to say why, item by item; on a surface with sources, stage by stage.
        page: `page` of the answer before: what follows, and nothing twice.
    """

    user_id: Id | None = None
    anonymous_id: Id | None = None
    k: AtLeastOne | None = None
    surface: str | None = None
    filters: dict[str, Any] | None = None
    exclude_items: Annotated[list[str], msgspec.Meta(max_length=10_000)] = []
    release: Release | None = None
    explain: bool = False
    page: Page | None = None


class RankRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Items to be put in order for somebody.

    Attributes:
        candidates: The items; those that may not be shown are left out.
        user_id: Who; may be unknown.
        anonymous_id: A visitor who has not signed in; with `user_id`, what both did counts.
        k: Items wanted; all by default.
        surface: Whose scores and reranking apply.
        filters: Attribute conditions that every item must meet.
        release: `name:version` or an alias, instead of the surface's own.
        explain: Whether to say why, item by item.
    """

    candidates: Annotated[list[Id], msgspec.Meta(min_length=1, max_length=10_000)]
    user_id: Id | None = None
    anonymous_id: Id | None = None
    k: AtLeastOne | None = None
    surface: str | None = None
    filters: dict[str, Any] | None = None
    release: Release | None = None
    explain: bool = False


class SearchRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Attributes that somebody looks for.

    Attributes:
        filters: Attribute conditions that every item must meet, as everywhere.
        user_id: Who; may be unknown.
        anonymous_id: A visitor who has not signed in; with `user_id`, what both did counts.
        k: Items wanted; the surface's number by default.
        surface: Whose sources, scores and reranking apply.
        release: `name:version` or an alias, instead of the surface's own.
        explain: Whether to say why, item by item.
        page: `page` of the answer before: what follows, and nothing twice.
    """

    filters: Annotated[dict[str, Any], msgspec.Meta(min_length=1)]
    user_id: Id | None = None
    anonymous_id: Id | None = None
    k: AtLeastOne | None = None
    surface: str | None = None
    release: Release | None = None
    explain: bool = False
    page: Page | None = None


class ReasonDocument(msgspec.Struct, frozen=True):
    """One of the user's own items, and its share of the score, from 0 to 1."""

    item_id: str
    share: float


class RecommendedItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item of a slate; a higher score stands further ahead, within one slate."""

    item_id: str
    score: float
    reasons: list[ReasonDocument] | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """How a slate came about, stage by stage.

    Attributes:
        steps: Stages that ran, how long each took and may take, and how many candidates were left.
        dropped: Reason to the number of candidates that went for it.
        examples: Reason to the ids of the first few of them.
        items: Of each item of the slate: which sources gave it at which place, the probability
            of each outcome, what moved it in the person's profile.
        nan_scores: Candidates that the rank net gave no finite score.
        snapshot: Of the index that was searched; empty for one that was made here, or none.
    """

    steps: list[Step]
    dropped: dict[str, int]
    examples: dict[str, list[str]]
    items: list[ItemJourney]
    nan_scores: int
    snapshot: str


class RecommendationResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A slate. What only surfaces with sources have is left out of other answers.

    Attributes:
        request_id: To be sent back with the events that follow from this slate.
        release: What answered, `name:version`; null where none could, or the first one waits.
        degraded: Whether something less than the asked model answered.
        items: Best first.
        space: The embedding space of the nets and of the index that answered.
        fell_back: Stages that did less than they should, and why; `release` where another
            release answered than was meant to, or none, on any surface.
        late: Stages that took longer than their budgets; their work is in the answer.
        page: Asks for what follows; absent after the last.
        explanation: Where the request asked for it.
    """

    request_id: str
    release: str | None
    degraded: bool
    items: list[RecommendedItem]
    space: str | None = None
    fell_back: list[Degraded] = []
    late: list[Late] = []
    page: str | None = None
    explanation: Explanation | None = None


class SimilarItems(msgspec.Struct, frozen=True, kw_only=True):
    """Items nearest to one, nearest first; none where the release does not know the item."""

    item_id: str
    release: str | None
    items: list[RecommendedItem]


class PopularItems(msgspec.Struct, frozen=True, kw_only=True):
    """Items that most people touched; the newest ones, `degraded`, where there is no release."""

    release: str | None
    degraded: bool
    items: list[RecommendedItem]


class ItemBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is known of an item; replaces what was known before.

    Attributes:
        attributes: As the settings declare them; others are kept and cannot be filtered on.
        hidden: In no answer while true.
    """

    attributes: dict[str, Any] = {}
    hidden: bool = False


class ItemDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An item of the catalogue."""

    item_id: str
    attributes: dict[str, Any]
    hidden: bool


class ItemPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some items in the order of their ids; `next` asks for those that follow, null at the end."""

    items: list[ItemDocument]
    next: str | None


class UserBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is known of a user; replaces what was known before."""

    attributes: dict[str, Any] = {}


class IdentifyBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The visitor who turned out to be the user."""

    anonymous_id: Id


class IdentifyDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Whose history the visitor's is now."""

    user_id: str
    anonymous_id: str


class UserEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the user did; `timestamp` in ISO 8601, UTC."""

    event: str
    item_id: str
    value: float | None
    timestamp: str


class UserDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A user: attributes, and the most recent events, newest first."""

    user_id: str
    attributes: dict[str, Any]
    events: list[UserEvent]


class EventResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one posted event.

    Attributes:
        verdict: accepted; duplicate (known already, all is well); invalid (never send it
            again); retry (send it again, with this `event_id`).
        event_id: As sent, or as given by the service; empty where the event had no shape.
        reason: Why, for invalid and retry.
    """

    verdict: Verdict
    event_id: str
    reason: str | None = None


class EventResults(msgspec.Struct, frozen=True):
    """The results in the order of the posted events."""

    results: list[EventResult]


class ReleaseDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A release that exists; `loaded` ones can be asked for by name."""

    release: str
    model: str
    created_at: str
    aliases: list[str]
    loaded: bool


class ReleaseList(msgspec.Struct, frozen=True):
    """All releases, newest first."""

    releases: list[ReleaseDocument]


class SurfaceDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A surface of the settings, and what answers on it now.

    Attributes:
        surface: Its name.
        alias: The release alias that it follows.
        release: What answers now; null where none is loaded, or what is waits.
        k: Items, where a request does not say.
        filters: What every item must be, beside what a request asks.
        exclude_seen: Whether what the user has touched is left out.
        sources: Kinds of sources, in their order; none: the release's model ranks all items.
        rerank: Kinds of rerankers, in their order.
        space: The embedding space that answers; null where no nets do.
        indexed: Items in its index; null where there is none.
        waits: Which release the alias names, and what that waits for before it answers; null
            where it waits for nothing.
    """

    surface: str
    alias: str
    release: str | None
    k: int
    filters: dict[str, Any]
    exclude_seen: bool
    sources: list[str]
    rerank: list[str]
    space: str | None
    indexed: int | None
    waits: str | None


class SurfaceList(msgspec.Struct, frozen=True):
    """All surfaces, by name."""

    surfaces: list[SurfaceDocument]


class HealthDocument(msgspec.Struct, frozen=True):
    """That the process lives."""

    status: str = "ok"


class ReadyDocument(msgspec.Struct, frozen=True, kw_only=True):
    """That the worker answers, and with what.

    Attributes:
        release: What the service's alias answers with; null for none.
        writer: Whether events can be taken right now.
    """

    release: str | None
    writer: bool
    status: str = "ready"

"""The bodies of requests and answers, as the service and the command line share them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from palate.types import Verdict

__all__ = [
    "EventResult",
    "EventResults",
    "HealthDocument",
    "IdentifyBody",
    "IdentifyDocument",
    "ItemBody",
    "ItemDocument",
    "ItemPage",
    "PopularItems",
    "ReadyDocument",
    "ReasonDocument",
    "RecommendationRequest",
    "RecommendationResponse",
    "RecommendedItem",
    "ReleaseDocument",
    "ReleaseList",
    "SimilarItems",
    "UserBody",
    "UserDocument",
    "UserEvent",
]

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]


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
        explain: Whether to say why, item by item.
    """

    user_id: Id | None = None
    anonymous_id: Id | None = None
    k: AtLeastOne | None = None
    surface: str | None = None
    filters: dict[str, Any] | None = None
    exclude_items: Annotated[list[str], msgspec.Meta(max_length=10_000)] = []
    release: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    explain: bool = False


class ReasonDocument(msgspec.Struct, frozen=True):
    """One of the user's own items, and its share of the score, from 0 to 1."""

    item_id: str
    share: float


class RecommendedItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item of a slate; a higher score stands further ahead, within one slate."""

    item_id: str
    score: float
    reasons: list[ReasonDocument] | None = None


class RecommendationResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A slate.

    Attributes:
        request_id: To be sent back with the events that follow from this slate.
        release: What answered, `name:version`; null where none could.
        degraded: Whether something less than the asked model answered.
        items: Best first.
    """

    request_id: str
    release: str | None
    degraded: bool
    items: list[RecommendedItem]


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

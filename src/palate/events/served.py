"""What the service showed: a slate as an event of the log, and back."""

from __future__ import annotations

import msgspec

from palate.errors import EventError
from palate.events.schema import SERVED, Event

__all__ = ["Slate", "served_event", "slate_of"]


class Slate(msgspec.Struct, frozen=True, kw_only=True):
    """One answer, as far as the next training run has to know it.

    Attributes:
        request_id: Of the answer; what people did with it says so.
        user_id: For whom; None for a visitor or for anybody.
        anonymous_id: The visitor.
        surface: The named place; None where the request named none.
        timestamp: When it was answered, microseconds since 1970 UTC.
        items: Best first: the place in this list is the position, from 0.
        scores: Of each item.
        propensities: The probability with which each item was put where it was; 1.0 where
            nothing is random.
        drawn: Places that exploration drew an item for, rising; None: those whose propensity is
            below 1. A draw among one item is as certain as what nobody drew, and told apart here.
        release: What answered, `name:version`; None where no release did.
        degraded: Whether something simpler answered than was meant to.
        history_length: How many events of the person the scores were made from.
        history_offset: The log offset of the last of them: with the length it says which they
            were. Models score from the history alone, so these two stand for the values of
            features.
        space: Of the nets that answered; None where none did.
        features_schema: Hash of what the features of the nets are: layout of profiles, names.
        features_hash: Of the values that the nets read: whoever computes them again from the log
            can see whether they are the same.
    """

    request_id: str
    user_id: str | None = None
    anonymous_id: str | None = None
    surface: str | None = None
    timestamp: int
    items: list[str]
    scores: list[float]
    propensities: list[float]
    drawn: list[int] | None = None
    release: str | None = None
    degraded: bool = False
    history_length: int = 0
    history_offset: int = 0
    space: str | None = None
    features_schema: str | None = None
    features_hash: str | None = None

    @property
    def tried(self) -> list[str]:
        """Items that exploration drew, the best place first."""
        places = self._uncertain() if self.drawn is None else self.drawn
        return [self.items[place] for place in places]

    def _uncertain(self) -> list[int]:
        return [place for place, p in enumerate(self.propensities) if p < 1.0]


class _Context(msgspec.Struct, omit_defaults=True):
    items: list[str]
    scores: list[float]
    propensities: list[float] | None = None  # None: 1.0 for each
    drawn: list[int] | None = None  # None: where the propensity is below 1
    release: str | None = None
    degraded: bool = False
    history_length: int = 0
    history_offset: int = 0
    space: str | None = None
    features_schema: str | None = None
    features_hash: str | None = None


def served_event(slate: Slate, event_id: str) -> Event:
    """The event of a slate."""
    certain = all(propensity == 1.0 for propensity in slate.propensities)
    context = _Context(
        items=slate.items,
        scores=slate.scores,
        propensities=None if certain else slate.propensities,
        drawn=None if slate.drawn == slate._uncertain() else slate.drawn,
        release=slate.release,
        degraded=slate.degraded,
        history_length=slate.history_length,
        history_offset=slate.history_offset,
        space=slate.space,
        features_schema=slate.features_schema,
        features_hash=slate.features_hash,
    )
    return Event(
        event=SERVED,
        event_id=event_id,
        user_id=slate.user_id,
        anonymous_id=slate.anonymous_id,
        timestamp=slate.timestamp,
        request_id=slate.request_id,
        surface=slate.surface,
        context=msgspec.to_builtins(context),
    )


def slate_of(event: Event) -> Slate:
    """The slate that `served_event` made an event of.

    Raises:
        EventError: It is no such event.
    """
    try:
        context = msgspec.convert(event.context, _Context)
    except msgspec.ValidationError as error:
        raise EventError(f"event {event.event_id!r} is no slate: {error}") from error
    n = len(context.items)
    propensities = [1.0] * n if context.propensities is None else context.propensities
    if event.request_id is None or not n == len(context.scores) == len(propensities):
        raise EventError(
            f"event {event.event_id!r} is no slate: it has no request_id, or lists of several "
            "lengths"
        )
    if not all(0 <= place < n for place in context.drawn or ()):
        raise EventError(
            f"event {event.event_id!r} is no slate: it has {n} places, and {context.drawn} drawn"
        )
    return Slate(
        request_id=event.request_id,
        user_id=event.user_id,
        anonymous_id=event.anonymous_id,
        surface=event.surface,
        timestamp=event.timestamp,
        items=context.items,
        scores=context.scores,
        propensities=propensities,
        drawn=context.drawn,
        release=context.release,
        degraded=context.degraded,
        history_length=context.history_length,
        history_offset=context.history_offset,
        space=context.space,
        features_schema=context.features_schema,
        features_hash=context.features_hash,
    )

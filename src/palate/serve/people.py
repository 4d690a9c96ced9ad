"""Who asks, as pipelines know them: profile, newest items, what was seen, what is blocked."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from palate.features.profile.preference import Preferences, preferences
from palate.features.state import State
from palate.pipeline.person import Person
from palate.serve.history import Past, merge
from palate.types import Float32Array

if TYPE_CHECKING:
    from palate.features.profile.layout import ProfileLayout
    from palate.features.profile.packed import PackedStatistics

__all__ = ["BLOCKED", "NOBODY", "Known", "People", "past_of"]

BLOCKED: Final = "blocked"  # the user's attribute: {"dealer": ["d17"], "item_id": ["c9"]}
_NOTHING: Final = Past()
_UNDECLARED: Final = (1.0, False)


class Known(msgspec.Struct, frozen=True, eq=False):
    """What is known of somebody at one moment.

    Attributes:
        person: As stages see them.
        past: What they did.
    """

    person: Person
    past: Past


NOBODY: Final = Known(Person(), _NOTHING)


def past_of(state: State, user_id: str | None, anonymous_id: str | None) -> Past:
    """What a user, a visitor, or one who is both did.

    Raises:
        StoreError: The state cannot be read.
    """
    user_id, anonymous_id = _who(state, user_id, anonymous_id)
    if anonymous_id is None:
        return _NOTHING if user_id is None else Past.of(state.user(user_id))
    visitor = Past.of(state.anonymous(anonymous_id))
    return visitor if user_id is None else merge(visitor, Past.of(state.user(user_id)))


class People:
    """People under the profile of one release's nets.

    Args:
        state: What is known of them.
        layout: Of profiles, as the nets read them; None where they read none.
        weights: Event type to its weight, and whether the event's value multiplies it.
    """

    def __init__(
        self,
        state: State,
        layout: ProfileLayout | None,
        weights: Mapping[str, tuple[float, bool]],
    ) -> None:
        self._state = state
        self._layout = layout
        self._weights = weights

    def known(self, user_id: str | None, anonymous_id: str | None, now_us: int) -> Known:
        """What is known of them now; somebody of whom nothing is known has the average profile.

        Raises:
            StoreError: The state cannot be read, or keeps no profiles of this definition.
        """
        user_id, anonymous_id = _who(self._state, user_id, anonymous_id)
        user = None if user_id is None else self._state.user(user_id)
        past = _NOTHING if user is None else Past.of(user)
        if anonymous_id is not None:
            past = merge(Past.of(self._state.anonymous(anonymous_id)), past)
        layout = self._layout
        statistics = None if layout is None else self._statistics(layout, user_id, anonymous_id)
        person = Person(
            profile=_vector(layout, statistics, now_us),
            recent=self._liked(past),
            seen=frozenset(past.item_ids),
            blocked={} if user is None else _blocked(user.attributes.get(BLOCKED)),
            preferences=None if layout is None else lambda: _believed(layout, statistics, now_us),
        )
        return Known(person, past)

    def _liked(self, past: Past) -> list[str]:
        """Items of events that are worth something, newest last, repeats included."""
        kinds = {event: self._weights.get(event, _UNDECLARED) for event in set(past.events)}
        good = {event for event, (weight, _) in kinds.items() if weight > 0}
        valued = {event for event, (_, multiplies) in kinds.items() if multiplies}
        return [
            item
            for item, event, value in zip(past.item_ids, past.events, past.values, strict=True)
            if event in good and not (event in valued and value is not None and value <= 0)
        ]

    def _statistics(
        self, layout: ProfileLayout, user_id: str | None, anonymous_id: str | None
    ) -> PackedStatistics | None:
        kept, fingerprint = self._state.profiles, layout.fingerprint
        user = None if user_id is None else kept.user(user_id, fingerprint)
        visitor = None if anonymous_id is None else kept.visitor(anonymous_id, fingerprint)
        if user is None or visitor is None:
            return visitor if user is None else user
        user.add(visitor)
        return user


def _blocked(given: Any) -> Mapping[str, AbstractSet[str]]:
    """Values by attribute; whatever has another shape blocks nothing."""
    if not isinstance(given, dict):
        return {}
    return {
        name: frozenset(str(value) for value in values)
        for name, values in given.items()
        if isinstance(values, list)
    }


def _who(
    state: State, user_id: str | None, anonymous_id: str | None
) -> tuple[str | None, str | None]:
    """User and visitor; a visitor who was identified is the user whom they turned out to be."""
    if anonymous_id is not None and (linked := state.linked(anonymous_id)) is not None:
        return user_id or linked, None
    return user_id, anonymous_id


def _vector(
    layout: ProfileLayout | None, statistics: PackedStatistics | None, now_us: int
) -> Float32Array:
    """(size,) of the layout, or nothing without one; of nobody the average, which is zeros."""
    if layout is None or statistics is None:
        return np.zeros(0 if layout is None else layout.size, np.float32)
    return layout.vector(statistics, now_us)


def _believed(
    layout: ProfileLayout, statistics: PackedStatistics | None, now_us: int
) -> Preferences:
    from palate.features.profile.statistics import Statistics

    known = Statistics(layout.fingerprint) if statistics is None else statistics.statistics()
    return preferences(known, layout.prior, now_us, layout.definition)

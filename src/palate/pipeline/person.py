"""Who asks, as far as the stages of a pipeline have to know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from palate.features.profile.preference import Preferences
from palate.types import Float32Array

__all__ = ["NOBODY", "Person"]


class Person(msgspec.Struct, frozen=True, eq=False):
    """A user or a visitor at the moment of the request.

    Attributes:
        profile: (size,) float32 in the layout of the nets that answer; somebody who did nothing
            has the average person's. None where there are no profiles.
        average: (size,) float32, the average person in that layout: what explanations compare
            with. None stands for zeros.
        recent: Ids of the items last dealt with, newest last.
        seen: Ids of the items ever dealt with.
        blocked: Attribute to the values that this person never wants to see, such as
            `{"dealer": {"d17"}}`; `item_id` names items.
        preferences: Gives what is believed of the person; called by stages that ask for it.
    """

    profile: Float32Array | None = None
    average: Float32Array | None = None
    recent: Sequence[str] = ()
    seen: AbstractSet[str] = frozenset()
    blocked: Mapping[str, AbstractSet[str]] = {}
    preferences: Callable[[], Preferences] | None = None


NOBODY = Person()

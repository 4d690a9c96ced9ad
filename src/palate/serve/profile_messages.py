"""The answer of the route that shows a profile."""

from __future__ import annotations

import msgspec

__all__ = ["PreferredNumber", "PreferredValue", "PreferredValues", "ProfileDocument"]


class PreferredValue(msgspec.Struct, frozen=True, kw_only=True):
    """How likely the next item has this value of an attribute.

    Attributes:
        value: Of the attribute.
        probability: From 0 to 1.
        deviation: How sure that is: a standard deviation.
        usual: The probability for the average person.
        text: `red 62 % ± 11`.
    """

    value: str
    probability: float
    deviation: float
    usual: float
    text: str


class PreferredValues(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody prefers of an attribute with values.

    Attributes:
        values: The likeliest first.
        rest: The probability of all others together.
        events: What the person's own events are worth now.
    """

    values: list[PreferredValue]
    rest: float
    events: float


class PreferredNumber(msgspec.Struct, frozen=True, kw_only=True):
    """Where a number of the next item lies, in the attribute's own units.

    Attributes:
        mean: On a logarithmic scale the value in the middle.
        deviation: How sure that is: a standard deviation.
        spread: How far items that the person likes lie from the mean.
        usual: The mean of the average person.
        events: What the person's own events are worth now.
        text: `9100 ± 1300`.
    """

    mean: float
    deviation: float
    spread: float
    usual: float
    events: float
    text: str


class ProfileDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What a person prefers, by attribute.

    Attributes:
        user_id: Who.
        definition: The fingerprint of what is counted, and for how long.
        prior: The version of the average person, towards whom they are shrunk.
        half_life_days: An event counts half as much after so many days.
        categories: By attribute.
        numbers: By attribute.
    """

    user_id: str
    definition: str
    prior: int
    half_life_days: float
    categories: dict[str, PreferredValues]
    numbers: dict[str, PreferredNumber]

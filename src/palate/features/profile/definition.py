"""What a profile is made of: which attributes, on which scale, weighted and decayed how."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from palate.config import Attribute, EventType, Schema
from palate.errors import ConfigError
from palate.types import AttributeKind

__all__ = ["Evidence", "ProfileDefinition"]

_KINDS = (AttributeKind.CATEGORY, AttributeKind.CATEGORIES, AttributeKind.NUMBER)
_DAY_S = 86_400.0
_LONGEST = 256  # characters of a value: what is longer is a text
_MOST_VALUES = 100  # of one attribute of one item; what follows is left out


class Evidence(msgspec.Struct, frozen=True):
    """What one item says: of each attribute that it has, values or a number on its scale.

    Attributes:
        values: Attribute to distinct values; they share the weight of the event evenly.
        numbers: Attribute to a finite number.
    """

    values: dict[str, tuple[str, ...]]
    numbers: dict[str, float]


class ProfileDefinition(BaseModel):
    """Which statistics are kept. Two definitions of one fingerprint keep the same ones."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    attributes: dict[str, Attribute] = Field(
        description="Of items: categories and numbers; what has no distribution is refused."
    )
    events: dict[str, EventType] = Field(default_factory=dict)
    half_life_days: float = Field(
        default=30.0, gt=0, description="h: an event counts half as much so long after it."
    )

    @classmethod
    def of(
        cls,
        schema: Schema,
        *,
        half_life_days: float = 30.0,
        attributes: Sequence[str] | None = None,
    ) -> Self:
        """Attributes of the schema's items: these, or all that have a distribution.

        Raises:
            ConfigError: One of these is not declared, or has no distribution.
        """
        if attributes is None:
            chosen = {name: one for name, one in schema.items.items() if one.kind in _KINDS}
        else:
            for name in attributes:
                if name not in schema.items or schema.items[name].kind not in _KINDS:
                    raise ConfigError(
                        f"profile.attributes names {name!r}, which is no declared category or "
                        "number of items",
                        hint=f"declare [items.{name}], or leave it out",
                    )
            chosen = {name: schema.items[name] for name in attributes}
        return cls(attributes=chosen, events=schema.events, half_life_days=half_life_days)

    def model_post_init(self, _: Any) -> None:
        """Refuse attributes without a distribution."""
        for name, attribute in self.attributes.items():
            if attribute.kind not in _KINDS:
                raise ValueError(f"attribute {name!r} is {attribute.kind.value}: no preference")

    @property
    def half_life_us(self) -> float:
        """The half-life in microseconds."""
        return self.half_life_days * _DAY_S * 1e6

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that change with anything that changes the statistics."""
        said = self.model_dump(mode="json")
        plain = msgspec.json.encode(said, order="sorted")
        return hashlib.sha256(plain).hexdigest()[:16]

    def weight(self, event: str, value: float | None) -> float:
        """What an event is worth as evidence; 0 for one that speaks against an item.

        A distribution over what somebody likes has no place for dislikes: they are for the
        models that rank.
        """
        kind = self.events.get(event, EventType())
        weight = kind.weight
        if kind.value == "multiply":
            weight *= 1.0 if value is None else value
        return weight if weight > 0 and math.isfinite(weight) else 0.0

    def evidence(self, attributes: Mapping[str, Any]) -> Evidence:
        """What an item with these attributes says; what is missing or of a wrong type, nothing."""
        values: dict[str, tuple[str, ...]] = {}
        numbers: dict[str, float] = {}
        for name, attribute in self.attributes.items():
            raw = attributes.get(name)
            if attribute.kind is AttributeKind.NUMBER:
                number = _on_scale(raw, attribute)
                if number is not None:
                    numbers[name] = number
            elif (distinct := _distinct(raw, attribute)) != ():
                values[name] = distinct
        return Evidence(values, numbers)


def _on_scale(raw: Any, attribute: Attribute) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    try:
        number = float(raw)
    except OverflowError:  # an integer beyond all floats
        return None
    if not math.isfinite(number):
        return None
    if attribute.scale == "log":
        return math.copysign(math.log1p(abs(number)), number)
    return number


def _distinct(raw: Any, attribute: Attribute) -> tuple[str, ...]:
    if isinstance(raw, str):
        separator = attribute.separator
        several = attribute.kind is AttributeKind.CATEGORIES and separator is not None
        parts = raw.split(separator) if several else [raw]
    elif isinstance(raw, list):
        parts = [one for one in raw if isinstance(one, str)]
    elif isinstance(raw, bool | int):
        parts = [str(raw)]
    else:
        return ()
    return tuple(dict.fromkeys(part for part in parts if 0 < len(part) <= _LONGEST))[:_MOST_VALUES]

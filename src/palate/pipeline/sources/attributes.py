"""Candidates by attributes: a query that is fixed, asked for, or made of what a person prefers."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

from pydantic import Field

from palate.config import Attribute, Schema
from palate.features.profile.preference import Preferences
from palate.pipeline.candidate import Proposal
from palate.pipeline.filter import Filter, parse_filter
from palate.pipeline.sources.base import SourceSettings
from palate.pipeline.stage import Asked
from palate.types import AttributeKind

__all__ = ["Attributes"]


class Attributes(SourceSettings):
    """Live items that match: `where`, the filters of surface and request, and preferences."""

    needs: ClassVar[tuple[str, ...]] = ("lists",)

    kind: Literal["attributes"]
    where: dict[str, Any] = Field(default_factory=dict, description="Conditions, as in filters.")
    like: tuple[str, ...] = Field(
        default=(),
        description="Attributes whose likeliest values, or range, the person's profile gives.",
    )
    values: int = Field(default=3, ge=1, le=100, description="Values of each of `like`.")

    def propose(self, asked: Asked) -> Proposal | None:
        """In the catalogue's order; None where it would say nothing of what is wanted."""
        if asked.parts.lists is None:
            return None
        wanted = parse_filter(self.where, asked.schema) & asked.filter & self._preferred(asked)
        if not wanted:
            return None
        depth = asked.depth(self.depth)
        ids = asked.parts.lists.matching(wanted, depth)
        return Proposal(ids, complete=len(ids) < depth)

    def _preferred(self, asked: Asked) -> Filter:
        if not self.like or asked.person.preferences is None:
            return Filter()
        believed = asked.person.preferences()
        raw = {
            name: condition
            for name in self.like
            if (condition := _condition(name, believed, asked.schema, self.values)) is not None
        }
        return parse_filter(raw, asked.schema)


def _condition(name: str, believed: Preferences, schema: Schema, values: int) -> Any:
    """The likeliest values, or mean and spread as a range; None for an unknown attribute."""
    if (category := believed.categories.get(name)) is not None:
        likely = sorted(category.probability.items(), key=lambda pair: (-pair[1], pair[0]))
        return [value for value, _ in likely[:values]] or None
    if (number := believed.numbers.get(name)) is not None:
        declared = schema.items[name]
        low, high = number.mean - number.spread, number.mean + number.spread
        return {"min": _from_scale(low, declared), "max": _from_scale(high, declared)}
    return None


def _from_scale(value: float, declared: Attribute) -> float:
    """The attribute's own unit, of the scale that profiles are kept on."""
    if declared.kind is AttributeKind.NUMBER and declared.scale == "log":
        return math.copysign(math.expm1(min(abs(value), 700.0)), value)
    return value

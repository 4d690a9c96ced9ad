"""Surfaces are read from the settings and checked: a mistake is told by its place and its cure."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

from pydantic import ValidationError

from palate.config import Schema, Settings
from palate.errors import ConfigError, DataError
from palate.pipeline.filter import parse_filter
from palate.pipeline.rerank import Freshness, Spread
from palate.pipeline.sources import Attributes
from palate.pipeline.surface import Surface, SurfaceSettings
from palate.types import AttributeKind

__all__ = ["read_surface", "read_surfaces"]

_SPREAD: Final = (AttributeKind.CATEGORY, AttributeKind.CATEGORIES)
_PREFERRED: Final = (*_SPREAD, AttributeKind.NUMBER)


def read_surfaces(settings: Settings) -> Mapping[str, Surface]:
    """All surfaces of the settings, by name.

    Raises:
        ConfigError: One has an unknown or impossible value; names the surface and the value.
    """
    return {
        name: read_surface(name, raw, settings.schema_, max_k=settings.serve.max_k)
        for name, raw in settings.surfaces.items()
    }


def read_surface(name: str, raw: Mapping[str, Any], schema: Schema, *, max_k: int) -> Surface:
    """One surface, from the form that it has in the settings file.

    Args:
        name: Of the surface.
        raw: Its table.
        schema: Declares the attributes and event types that it may name.
        max_k: Largest slate that may be asked for.

    Raises:
        ConfigError: As `read_surfaces`.
    """
    where = f"[surfaces.{name}]"
    try:
        settings = SurfaceSettings.model_validate(raw)
        if settings.k > max_k:
            raise DataError(f"k: {settings.k} is above [serve] max_k {max_k}")
        wanted = parse_filter(settings.filters, schema)
        _check_attributes(settings, schema)
        _check_worth(settings, schema)
    except ValidationError as error:
        said, hint = _told(error)
        raise ConfigError(f"{where} {said}", hint=hint) from error
    except DataError as error:
        raise ConfigError(f"{where} {error.message}", hint=error.hint) from error
    return Surface(
        settings.alias, settings.k, wanted, settings.exclude_seen, name, max_k, schema, settings
    )


def _check_attributes(settings: SurfaceSettings, schema: Schema) -> None:
    """Whether the schema declares what the stages name, and as something that they can read."""
    for source in settings.sources:
        if isinstance(source, Attributes):
            parse_filter(source.where, schema)
            for name in source.like:
                _declared("sources.attributes.like", name, schema, _PREFERRED)
    for stage in settings.rerank:
        if isinstance(stage, Spread):
            _declared("rerank.spread.attribute", stage.attribute, schema, _SPREAD)
        elif isinstance(stage, Freshness) and stage.attribute is not None:
            _declared("rerank.freshness.attribute", stage.attribute, schema, (AttributeKind.TIME,))


def _declared(where: str, name: str, schema: Schema, kinds: tuple[AttributeKind, ...]) -> None:
    attribute = schema.items.get(name)
    if attribute is None:
        known = ", ".join(sorted(schema.items)) or "none are declared"
        raise DataError(f"{where}: no item attribute {name!r}", hint=f"declared: {known}")
    if attribute.kind not in kinds:
        raise DataError(
            f"{where}: {name!r} is {attribute.kind}", hint=f"it takes {' or '.join(kinds)}"
        )


def _check_worth(settings: SurfaceSettings, schema: Schema) -> None:
    for name, worth in settings.worth.items():
        declared = schema.events.get(name)
        if declared is None and schema.events:
            known = ", ".join(sorted(schema.events))
            raise DataError(f"worth: no event type {name!r}", hint=f"declared: {known}")
        if declared is not None and declared.weight < 0 < worth:
            raise DataError(
                f"worth.{name} is {worth:g}, but [events.{name}] weighs {declared.weight:g}",
                hint="an outcome that people dislike has a negative worth",
            )
    if settings.worth and not any(settings.worth.values()):
        raise DataError("worth: every outcome is worth nothing, so all items are equal")


def _told(error: ValidationError) -> tuple[str, str | None]:
    """The first mistake in plain words, and what to do about it."""
    first = error.errors()[0]
    kind, context = first["type"], first.get("ctx", {})
    where = ".".join(str(part) for part in first["loc"])
    hint = None
    if kind == "union_tag_invalid":
        said = f"no stage here is of kind {context['tag']!r}"
        hint = f"kinds: {context['expected_tags']}".replace("'", "")
    elif kind == "union_tag_not_found":
        said, hint = "the kind of stage is missing", 'such as { kind = "popular" }'
    elif kind == "model_attributes_type":
        said, hint = "a stage is a table", 'such as { kind = "popular" }'
    elif kind == "extra_forbidden":
        said = "there is no such setting"
        near = get_close_matches(str(first["loc"][-1]), SurfaceSettings.model_fields, n=1)
        hint = f"did you mean {near[0]}?" if near and len(first["loc"]) == 1 else None
    else:
        said = first["msg"].removeprefix("Value error, ")
    return (f"{where}: {said}" if where else said), hint

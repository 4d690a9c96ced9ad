"""Surfaces: named places in the product, each with its own release, size and filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from palate.config import Schema, Settings
from palate.errors import ConfigError, DataError
from palate.pipeline.filter import NO_FILTER, Filter, parse_filter

__all__ = ["DEFAULT_K", "Surface", "SurfaceSettings", "read_surfaces"]

DEFAULT_K = 10


class SurfaceSettings(BaseModel):
    """One surface in the settings file: `[surfaces.NAME]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alias: str | None = Field(default=None, description="Follows this alias; [serve] alias if not.")
    k: int = Field(default=DEFAULT_K, ge=1, description="Items, where a request does not say.")
    filters: dict[str, Any] = Field(
        default_factory=dict, description="What every item must be; requests can only add to it."
    )
    exclude_seen: bool = Field(default=True, description="Leave out what the user has touched.")


@dataclass(frozen=True, slots=True)
class Surface:
    """A surface, checked and ready to answer.

    Attributes:
        alias: The release alias that it follows, or None for the service's own.
        k: Items where a request does not say.
        filter: What every item must be.
        exclude_seen: Whether to leave out what the user has touched.
    """

    alias: str | None = None
    k: int = DEFAULT_K
    filter: Filter = NO_FILTER
    exclude_seen: bool = True


def read_surfaces(settings: Settings) -> Mapping[str, Surface]:
    """All surfaces of the settings.

    Raises:
        ConfigError: One has an unknown or impossible value; names the surface and the value.
    """
    return {
        name: _surface(name, raw, settings.schema_, settings.serve.max_k)
        for name, raw in settings.surfaces.items()
    }


def _surface(name: str, raw: Mapping[str, Any], schema: Schema, max_k: int) -> Surface:
    try:
        read = SurfaceSettings.model_validate(raw)
        if read.k > max_k:
            raise DataError(f"k: {read.k} is above [serve] max_k {max_k}")
        return Surface(read.alias, read.k, parse_filter(read.filters, schema), read.exclude_seen)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(f"[surfaces.{name}] {where}: {first['msg']}") from error
    except DataError as error:
        raise ConfigError(f"[surfaces.{name}] {error.message}", hint=error.hint) from error

"""A model from its name and its settings: `[models.NAME]`, the command line, a blend's members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from palate.errors import ConfigError
from palate.models.base import Recommender
from palate.plugins import model_class

__all__ = ["build"]


def build(name: str, settings: Mapping[str, Any] | None = None) -> Recommender[Any]:
    """An unfitted model.

    Args:
        name: As registered, `sar`.
        settings: Fields of its config, `{"half_life_days": 7}`.

    Raises:
        PluginError: No model has this name.
        ConfigError: A setting is unknown or impossible; says which.
    """
    cls = model_class(name)
    try:
        config = cls.Config.model_validate(dict(settings or {}))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in e['loc']) or 'config'}: {e['msg']}"
            for e in error.errors()
        )
        fields = ", ".join(cls.Config.model_fields)
        raise ConfigError(f"model {name!r}: {problems}", hint=f"it has {fields}") from error
    return cls(config)

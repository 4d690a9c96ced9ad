"""A model's name and `--set` options become a model."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from palate.errors import ConfigError

if TYPE_CHECKING:
    from palate.config import Settings
    from palate.hyperparameters import ModelConfig
    from palate.models.base import Recommender

__all__ = ["MODELS_TO_COMPARE", "build_model", "config_further", "parse_sets", "problems"]

MODELS_TO_COMPARE = ("popular", "sar", "itemknn", "ease", "contentknn", "blend")


def parse_sets(sets: Sequence[str], *, option: str = "--set") -> dict[str, Any]:
    """`["factors=64", "name=x"]` as `{"factors": 64, "name": "x"}`.

    A value is read as TOML (numbers, true, [1, 2], {a = 1}), and as text where it is none.

    Raises:
        ConfigError: One has no `=`, or no name before it.
    """
    parsed = {}
    for one in sets:
        name, equals, text = one.partition("=")
        if not (equals and name.strip()):
            raise ConfigError(f"{option} {one!r} has no NAME=VALUE", hint=f"as in {option} k=100")
        parsed[name.strip()] = _value(text.strip())
    return parsed


def build_model(
    name: str, settings: Settings, sets: Mapping[str, Any] | None = None
) -> Recommender[Any]:
    """The model that settings or an installed package call `name`, not yet fitted.

    `[models.NAME]` in the settings holds its hyperparameters; a key `model` there names the
    installed model, so that one model may stand in the settings twice. `sets` goes on top.

    Raises:
        PluginError: There is no such model.
        ConfigError: It has no such hyperparameter, or not of that value.
    """
    from palate.plugins import model_class

    table = dict(settings.models.get(name, {}))
    chosen = model_class(str(table.pop("model", name)))
    return chosen(_config_of(name, chosen, {**table, **(sets or {})}))


def config_further(
    name: str, model: Recommender[Any], settings: Settings, sets: Mapping[str, Any]
) -> ModelConfig:
    """The config of a fitted model, with what `[models.NAME]` and `sets` say on top.

    Raises:
        ConfigError: The settings' NAME is another model; or it has no such hyperparameter, or
            not of that value.
    """
    table = dict(settings.models.get(name, {}))
    wanted = str(table.pop("model", name))
    if wanted != model.name:
        raise ConfigError(
            f"{name} is a {wanted}, but the release that it would continue from is a {model.name}",
            hint="name the release with --from",
        )
    return _config_of(name, type(model), {**model.config.model_dump(), **table, **sets})


def _config_of(name: str, chosen: type[Recommender[Any]], values: Mapping[str, Any]) -> ModelConfig:
    from pydantic import ValidationError

    try:
        return chosen.Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(
            f"model {name}: {problems(error)}",
            hint=f"it has {', '.join(chosen.Config.model_fields)}",
        ) from error


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def problems(error: Any) -> str:
    """What pydantic found wrong, in one line."""
    return "; ".join(
        f"{'.'.join(str(part) for part in e['loc']) or 'config'}: {e['msg']}"
        for e in error.errors()
    )

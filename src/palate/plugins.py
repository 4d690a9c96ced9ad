"""Entry points: a name in settings or on the command line becomes a class."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, cast

from palate.errors import PluginError

if TYPE_CHECKING:
    from palate.models.base import Recommender

__all__ = ["MODELS", "model_class", "model_names"]

MODELS = "palate.models"


@cache
def _found() -> dict[str, EntryPoint]:
    points: dict[str, EntryPoint] = {}
    for point in entry_points(group=MODELS):
        if point.name in points and points[point.name].value != point.value:
            raise PluginError(
                f"two packages register a model {point.name!r}: "
                f"{points[point.name].value} and {point.value}",
                hint="uninstall one of them",
            )
        points[point.name] = point
    return points


def model_names() -> list[str]:
    """Names of all installed models, Palate's own and those of other packages."""
    return sorted(_found())


def model_class(name: str) -> type[Recommender[Any]]:
    """The model registered as `name`.

    Raises:
        PluginError: None is, or what is registered cannot be imported.
    """
    point = _found().get(name)
    if point is None:
        raise PluginError(f"no model is called {name!r}", hint=f"one of {', '.join(model_names())}")
    try:
        loaded = point.load()
    except (ImportError, AttributeError) as error:
        raise PluginError(f"model {name!r} ({point.value}) cannot be imported: {error}") from error
    return cast("type[Recommender[Any]]", loaded)

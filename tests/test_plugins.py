"""Models are found by name through entry points, broken ones with a clear error."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from palate import plugins
from palate.errors import PluginError


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EntryPoint]]:
    points: list[EntryPoint] = []
    monkeypatch.setattr(plugins, "entry_points", lambda group: EntryPoints(points))
    plugins._found.cache_clear()
    yield points
    plugins._found.cache_clear()


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, plugins.MODELS)


def test_an_unknown_name_lists_the_known(registered: list[EntryPoint]) -> None:
    registered.append(point("mine", "collections:OrderedDict"))
    with pytest.raises(PluginError, match="mine"):
        plugins.model_class("yours")


def test_a_name_taken_twice_is_refused(registered: list[EntryPoint]) -> None:
    registered += [point("mine", "one:Model"), point("mine", "two:Model")]
    with pytest.raises(PluginError, match="two packages register"):
        plugins.model_names()


@pytest.mark.parametrize("value", ["no_such_module:Model", "collections:NoSuchName"])
def test_a_broken_entry_point_is_named(registered: list[EntryPoint], value: str) -> None:
    registered.append(point("mine", value))
    with pytest.raises(PluginError, match="cannot be imported"):
        plugins.model_class("mine")


def test_own_models_are_registered() -> None:
    names = {"popular", "sar", "itemknn", "ease", "contentknn", "blend"}
    assert names <= set(plugins.model_names())
    assert {plugins.model_class(name).name for name in names} == names

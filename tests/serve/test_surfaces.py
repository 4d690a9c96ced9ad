"""Surfaces: what the settings may say of them, and how a mistake is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from palate.config import Attribute, Settings
from palate.errors import ConfigError
from palate.serve.surfaces import DEFAULT_K, read_surfaces
from palate.types import AttributeKind


def settings(surfaces: dict[str, Any]) -> Settings:
    price = Attribute(kind=AttributeKind.NUMBER)
    return Settings(home=Path("/nowhere"), items={"price": price}, surfaces=surfaces)


def test_an_empty_surface_is_the_default() -> None:
    home = read_surfaces(settings({"home": {}}))["home"]
    assert (home.alias, home.k, home.exclude_seen, bool(home.filter)) == (
        None, DEFAULT_K, True, False
    )  # fmt: skip


def test_all_that_a_surface_can_say() -> None:
    raw = {"alias": "canary", "k": 3, "exclude_seen": False, "filters": {"price": {"max": 5}}}
    surface = read_surfaces(settings({"cheap": raw}))["cheap"]
    assert (surface.alias, surface.k, surface.exclude_seen) == ("canary", 3, False)
    assert surface.filter.matches({"price": 5})
    assert not surface.filter.matches({"price": 6})


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"k": 0}, r"\[surfaces.s\] k: "),
        ({"k": 1001}, "above"),
        ({"k": "many"}, r"\[surfaces.s\] k: "),
        ({"rank": "x"}, r"\[surfaces.s\] rank: "),
        ({"filters": {"colour": "red"}}, r"\[surfaces.s\] filter: no item attribute 'colour'"),
        ({"filters": []}, r"\[surfaces.s\] filters: "),
    ],
)
def test_a_mistake_names_the_surface_and_the_value(raw: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_surfaces(settings({"s": raw}))

"""The page of surfaces and the examples are what the code does."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic_core import PydanticUndefined

from palate.config import Settings, load_settings
from palate.pipeline.budget import SHARED_STAGES
from palate.pipeline.check import read_surface, read_surfaces
from palate.pipeline.diagram import plain_text
from palate.pipeline.stage import StageSettings
from palate.pipeline.surface import RerankSettings, SourceKinds, SurfaceSettings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "surfaces.md").read_text()
EXAMPLES = sorted((ROOT / "examples").glob("surfaces*.toml"))
MOST_LINES = 20


def row(name: str) -> str:
    (found,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")]
    return found


def members(union: Any) -> list[type[StageSettings]]:
    return list(get_args(get_args(union)[0]))


@pytest.mark.parametrize("name", SurfaceSettings.model_fields)
def test_every_setting_is_on_the_page_with_its_default(name: str) -> None:
    default = SurfaceSettings().model_dump(mode="json")[name]
    shown = row(name).split("|")[2].strip("` ")
    assert shown == ("" if default in (None, {}, []) else json.dumps(default).removesuffix(".0"))


@pytest.mark.parametrize(
    "stage", [*members(SourceKinds), *members(RerankSettings)], ids=lambda s: s.__name__
)
def test_every_stage_and_its_settings_are_on_the_page(stage: type[StageSettings]) -> None:
    (kind,) = get_args(stage.model_fields["kind"].annotation)
    for name, field in stage.model_fields.items():
        if name in ("kind", "budget_ms", "depth", "where", "like"):
            continue
        assert f"`{name}`" in row(kind), (kind, name)
        default = field.default
        if default not in (None, PydanticUndefined):
            said = f'"{default}"' if isinstance(default, str) else f"{default:g}"
            assert re.search(rf"`{name}`[^;|]*{re.escape(said)}", row(kind)), (kind, name)


def test_every_shared_stage_is_on_the_page_with_its_law() -> None:
    (table,) = re.findall(r"\| stage \| law \|.*?\n\n", PAGE, re.DOTALL)
    lines = table.strip().splitlines()
    named = {name for line in lines for name in line.split("|")[1].split(", ")}
    assert {name.strip() for name in named} >= {*SHARED_STAGES} - {"fallback"}
    assert "`fallback`" in table
    for name in SHARED_STAGES:
        assert f"`{name}`" in row("budgets_ms")


def test_the_drawing_is_the_surface_on_the_page() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert block.count("\n") < MOST_LINES
    (cars,) = [path for path in EXAMPLES if path.stem == "surfaces-cars"]
    raw = tomllib.loads(block)["surfaces"]["home"]
    home = read_surface("home", raw, load_settings(cars).schema_, max_k=1000)
    assert home == read_surfaces(load_settings(cars))["home"]
    (drawing,) = re.findall(r"<!-- drawing -->\n```\n(.*?)```", PAGE, re.DOTALL)
    assert drawing.strip() == plain_text(home)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_examples_are_in_order_and_short(path: Path) -> None:
    surfaces = read_surfaces(load_settings(path))
    assert surfaces
    for part in path.read_text().split("[surfaces.")[1:]:
        assert part.strip().count("\n") + 1 < MOST_LINES


def test_stages_of_the_cars_have_budgets_of_their_own() -> None:
    (cars,) = [path for path in EXAMPLES if path.stem == "surfaces-cars"]
    surfaces = read_surfaces(load_settings(cars))
    for name, surface in surfaces.items():
        settings = surface.settings
        for stage in (*settings.sources, *settings.rerank):
            assert stage.budget_ms is not None, (name, stage.kind)
            assert stage.budget_ms < settings.budget_ms, (name, stage.kind)
    assert {"person", "score", "verify"} <= set(surfaces["home"].settings.budgets_ms)


def test_the_cars_of_the_example_are_those_of_the_generator() -> None:
    from palate.data.generated.cars import Cars

    (cars,) = [path for path in EXAMPLES if path.stem == "surfaces-cars"]
    settings: Settings = load_settings(cars)
    assert settings.schema_ == Cars(n_items=50, n_visitors=5, seed=1).schema

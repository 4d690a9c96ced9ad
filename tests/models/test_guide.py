"""The guide to an own model: its code runs, obeys the laws, and is found as an entry point."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from palate import plugins
from palate.models.base import Recommender
from palate.models.build import build
from palate.testing.models import ModelConformance
from palate.testing.rows import dataset

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "your-own-model.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)


def written() -> ModuleType:
    """The guide's first block as the module `next_item`."""
    module = ModuleType("next_item")
    sys.modules["next_item"] = module  # dataclasses and pydantic look their module up
    exec(compile(blocks("python")[0], str(GUIDE), "exec"), module.__dict__)
    return module


MODULE = written()


class TestTheGuidesModel(ModelConformance):
    model = MODULE.NextItem()


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> str:
    """The guide's entry point, as if its package were installed."""
    table = tomllib.loads(blocks("toml")[0])["project"]["entry-points"][plugins.MODELS]
    ((name, value),) = table.items()
    found = {**plugins._found(), name: EntryPoint(name, value, plugins.MODELS)}
    monkeypatch.setattr(plugins, "_found", lambda: found)
    return str(name)


def test_recommends_what_follows() -> None:
    rows = [(f"u{u}", item, 1.0, float(day)) for u in range(3) for day, item in enumerate("abc")]
    rows += [("v", "b", 1.0, 0.0), ("w", "c", 1.0, 0.0)]
    model: Recommender[Any] = MODULE.NextItem().fit(dataset(rows))
    assert model.recommend(["v"], 1)["item_id"].to_list() == ["c"]
    assert model.similar_items(["a"])["similar_item_id"].to_list() == ["b"]


def test_the_entry_point_gives_the_name(registered: str, tmp_path: Path) -> None:
    model = build(registered, {"half_life": 2.0})
    assert type(model) is MODULE.NextItem
    model.fit(dataset([("u", "a", 1.0, 0.0), ("u", "b", 1.0, 1.0)])).save(tmp_path / "m")
    assert type(Recommender[Any].load(tmp_path / "m")) is MODULE.NextItem


def test_a_blend_takes_it_as_a_member(registered: str) -> None:
    members = tomllib.loads(blocks("toml")[1])["models"]["blend"]["members"]
    members["taste"] = {"model": "sar"}
    board = dataset([("u", "a", 1.0, 0.0), ("u", "b", 1.0, 1.0), ("v", "a", 1.0, 0.0)])
    model = build("blend", {"members": members}).fit(board)
    assert model.recommend(["v"], 1)["item_id"].to_list() == ["b"]


def test_the_guides_test_runs() -> None:
    code = blocks("python")[1]
    scope: dict[str, Any] = {"__name__": "guide_test"}
    exec(compile(code, str(GUIDE), "exec"), scope)
    assert issubclass(scope["TestNextItem"], ModelConformance)


MODELS = GUIDE.with_name("models.md")


def test_the_page_of_models_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", MODELS.read_text(), re.DOTALL)
    scope: dict[str, Any] = {}
    exec(compile(code, str(MODELS), "exec"), scope)
    assert scope["answer"].height == 5


def test_the_page_of_models_builds_its_blend() -> None:
    (table,) = re.findall(r"```toml\n(.*?)```", MODELS.read_text(), re.DOTALL)
    assert build("blend", tomllib.loads(table)["models"]["blend"]).capabilities >= {"cold_items"}


@pytest.mark.parametrize("name", ["popular", "sar", "itemknn", "ease", "contentknn", "blend"])
def test_every_model_of_the_shelf_is_on_the_page(name: str) -> None:
    page = MODELS.read_text()
    assert f"| `{name}` |" in page
    assert build(name).__class__.__name__ in re.findall(r"^## (\w+)$", page, re.MULTILINE)

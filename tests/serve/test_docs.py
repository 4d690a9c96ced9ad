"""docs/service.md says what the service does: routes, metrics, settings, problems."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from palate.config import Attribute, ServeSettings, Settings
from palate.serve.counters import Counters
from palate.serve.exposition import exposition
from palate.serve.problem import TITLES
from palate.serve.routes.table import ENDPOINTS
from palate.serve.surfaces import SurfaceSettings, read_surfaces
from palate.types import AttributeKind

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "service.md").read_text()


def test_every_route_is_on_the_page() -> None:
    missing = [endpoint.path for endpoint in ENDPOINTS if endpoint.path not in PAGE]
    assert not missing


def test_every_metric_is_on_the_page(tmp_path: Path) -> None:
    Counters(tmp_path / "a.bin")
    names = re.findall(r"^# TYPE (\S+)", exposition(tmp_path, {}), re.MULTILINE)
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_every_problem_status_is_on_the_page() -> None:
    rows = re.findall(r"^\| ([45]\d\d(?:, \d{3})*) \|", PAGE, re.MULTILINE)
    assert {int(status) for row in rows for status in row.split(", ")} == set(TITLES)


def test_the_settings_on_the_page_are_all_and_can_be_loaded() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    raw = tomllib.loads(block)
    assert set(raw["serve"]) == set(ServeSettings.model_fields)
    assert ServeSettings.model_validate(raw["serve"]) == ServeSettings()
    assert set(raw["surfaces"]["home"]) == set(SurfaceSettings.model_fields)
    price = Attribute(kind=AttributeKind.NUMBER)
    settings = Settings(home=Path("/x"), items={"price": price}, surfaces=raw["surfaces"])
    assert read_surfaces(settings)["home"].k == 20

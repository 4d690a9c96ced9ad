"""docs/service.md says what the service does: routes, metrics, settings, problems."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from palate.config import Attribute, ServeSettings, Settings
from palate.serve.counters import Counters
from palate.serve.exposition import exposition
from palate.serve.logs import Line
from palate.serve.problem import TITLES
from palate.serve.routes.table import ENDPOINTS
from palate.serve.standing import Standing
from palate.serve.surfaces import read_surfaces
from palate.types import AttributeKind

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "service.md").read_text()
OPERATIONS = (DOCS / "operations.md").read_text()


def test_every_route_is_on_the_page() -> None:
    missing = [endpoint.path for endpoint in ENDPOINTS if endpoint.path not in PAGE]
    assert not missing


def test_every_metric_is_on_the_page(tmp_path: Path) -> None:
    Counters(tmp_path / "a.bin")
    text = exposition(tmp_path, {}, standing=Standing(1, 1, {}, 1))
    names = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    assert [name for name in names if f"`{name}`" not in PAGE] == []
    advised = set(re.findall(r"palate_[a-z_]+", OPERATIONS))
    assert {name.removesuffix("_bucket") for name in advised} <= set(names)


def test_every_field_of_a_log_line_is_explained_by_its_example() -> None:
    (example,) = re.findall(r"```json\n({\"time\".*?})\n```", OPERATIONS, re.DOTALL)
    assert set(json.loads(example)) == set(Line.__struct_fields__) - {"exception"}


def test_every_probe_is_on_the_page_of_operations() -> None:
    assert all(f"`{e.path}`" in OPERATIONS for e in ENDPOINTS if e.keyless)


def test_every_problem_status_is_on_the_page() -> None:
    rows = re.findall(r"^\| ([45]\d\d(?:, \d{3})*) \|", PAGE, re.MULTILINE)
    assert {int(status) for row in rows for status in row.split(", ")} == set(TITLES)


def test_the_settings_on_the_page_are_all_and_can_be_loaded() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    raw = tomllib.loads(block)
    assert set(raw["serve"]) == set(ServeSettings.model_fields)
    assert ServeSettings.model_validate(raw["serve"]) == ServeSettings()
    # The settings of stages stand on the page of surfaces: tests/pipeline/test_docs.py.
    assert set(raw["surfaces"]["home"]) == {"alias", "k", "exclude_seen", "filters"}
    price = Attribute(kind=AttributeKind.NUMBER)
    settings = Settings(home=Path("/x"), items={"price": price}, surfaces=raw["surfaces"])
    assert read_surfaces(settings)["home"].k == 20

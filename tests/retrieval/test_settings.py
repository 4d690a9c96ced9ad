"""`[retrieval]`: checked, and every setting is in the docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from palate.config import Settings
from palate.errors import ConfigError
from palate.retrieval.settings import RetrievalSettings, retrieval_settings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "live-catalogue.md").read_text()


def test_defaults_and_given_values() -> None:
    assert retrieval_settings(Settings()) == RetrievalSettings()
    given = Settings(retrieval={"batch": 7, "metric": "cosine"})
    assert retrieval_settings(given).batch == 7
    assert retrieval_settings(given).metric == "cosine"


@pytest.mark.parametrize("table", [{"bach": 7}, {"batch": 0}, {"keep": 1}, {"metric": "near"}])
def test_an_impossible_value_is_named(table: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"retrieval.{next(iter(table))}"):
        retrieval_settings(Settings(retrieval=table))


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `retrieval\.(\w+)` \| (\S+) \|", PAGE, re.MULTILINE))
    fields = RetrievalSettings.model_fields
    assert list(rows) == list(fields)
    for name, field in fields.items():
        default = field.default
        said = rows[name].strip('`"').replace(",", "")
        assert said == f"{default:g}" if isinstance(default, float) else said == str(default), name

from __future__ import annotations

import pytest

from palate.cli.model_options import build_model, parse_sets
from palate.config import Settings
from palate.errors import ConfigError, PluginError


def test_values_are_toml_or_text() -> None:
    assert parse_sets(
        ["factors=64", "l2=0.5", "on=true", "name=jaccard", "m={a = 1}", "x=a=b"]
    ) == {
        "factors": 64,
        "l2": 0.5,
        "on": True,
        "name": "jaccard",
        "m": {"a": 1},
        "x": "a=b",
    }


@pytest.mark.parametrize("text", ["factors", "=64", ""])
def test_a_set_without_name_and_value_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="NAME=VALUE"):
        parse_sets([text])


def test_settings_give_a_models_config_and_flags_go_on_top() -> None:
    settings = Settings(
        models={"sar": {"similarity": "lift"}, "second": {"model": "sar", "similarity": "cosine"}}
    )
    assert build_model("sar", settings).config.similarity == "lift"
    assert build_model("second", settings).config.similarity == "cosine"
    assert build_model("sar", settings, {"similarity": "jaccard"}).config.similarity == "jaccard"


def test_an_unknown_model_is_named_with_those_there_are() -> None:
    with pytest.raises(PluginError, match=r"nosuch.*popular"):
        build_model("nosuch", Settings())


def test_an_unknown_hyperparameter_is_named_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"model sar: colour: .*similarity"):
        build_model("sar", Settings(), {"colour": 1})

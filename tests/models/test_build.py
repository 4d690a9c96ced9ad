"""Models from names and settings, with errors that say which setting is wrong."""

from __future__ import annotations

import pytest

from palate.errors import ConfigError, PluginError
from palate.models.build import build
from palate.models.sar import SAR
from palate.plugins import model_names


@pytest.mark.parametrize("name", model_names())
def test_every_registered_model_is_built_with_defaults(name: str) -> None:
    assert build(name).name == name


def test_settings_reach_the_config() -> None:
    model = build("sar", {"half_life_days": 7, "threshold": 2})
    assert isinstance(model, SAR)
    assert (model.config.half_life_days, model.config.threshold) == (7.0, 2)


def test_an_unknown_model() -> None:
    with pytest.raises(PluginError, match="'nosuch'"):
        build("nosuch")


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"halflife": 7}, "halflife"), ({"threshold": 0}, "threshold"), ({"similarity": "x"}, "sim")],
)
def test_an_impossible_setting(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        build("sar", settings)
    assert refused.value.hint is not None
    assert "half_life_days" in refused.value.hint

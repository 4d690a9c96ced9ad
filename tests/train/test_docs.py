"""docs/training.md: its example runs, its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import palate.train.losses
import palate.train.samplers
from palate.train import TrainConfig

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "training.md").read_text()


def test_the_example_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    scope: dict[str, Any] = {}
    exec(compile(code, "training.md", "exec"), scope)
    assert scope["trained"].value == 1.0
    assert scope["net"].training is False


def test_every_setting_is_in_the_table_with_its_default() -> None:
    said = dict(re.findall(r"^\| `(\w+)` \| `?([\w.]+)`? \|", PAGE, re.MULTILINE))
    fields = TrainConfig.model_fields
    assert list(said) == list(fields)
    for name, default in said.items():
        assert type(fields[name].default)(default) == fields[name].default, name


def test_every_sampler_and_loss_is_named() -> None:
    samplers = set(palate.train.samplers.__all__) - {"Touched"}
    assert set(re.findall(r"^\| `(\w+Sampler)` \|", PAGE, re.MULTILINE)) == samplers
    assert all(f"`{name}`" in PAGE for name in palate.train.losses.__all__)

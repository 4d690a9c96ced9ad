"""Artefacts: state that needs pickle, or is of another version, is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from palate.errors import BundleError
from palate.models.base import Recommender
from palate.models.popular import Popular
from palate.models.sar import SAR, SARConfig
from palate.testing.rows import dataset

ROWS = [("u", "a", 1.0, 0.0), ("u", "b", 1.0, 0.0)]


class Forgetful(Popular):
    """Writes state that `_restore` does not find."""

    def _state(self) -> dict[str, np.ndarray]:
        return {"something": np.zeros(1)}


class Pickled(Popular):
    """Keeps objects."""

    def _state(self) -> dict[str, np.ndarray]:
        return {"objects": np.array([{}], dtype=object)}


def test_state_of_another_version(tmp_path: Path) -> None:
    Forgetful().fit(dataset(ROWS)).save(tmp_path / "m")
    with pytest.raises(BundleError, match="another version"):
        Popular.load(tmp_path / "m")


def test_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="pickle"):
        Pickled().fit(dataset(ROWS)).save(tmp_path / "m")
    assert not (tmp_path / "m" / "model.json").exists()


def test_another_model_is_refused(tmp_path: Path) -> None:
    SAR().fit(dataset(ROWS)).save(tmp_path / "m")
    with pytest.raises(BundleError, match="holds a sar, not a popular"):
        Popular.load(tmp_path / "m")


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="holds no model"):
        Recommender[Any].load(tmp_path)


def test_the_config_comes_back(tmp_path: Path) -> None:
    config = SARConfig(similarity="lift", half_life_days=None, threshold=3)
    SAR(config).fit(dataset(ROWS)).save(tmp_path / "m")
    loaded = Recommender[Any].load(tmp_path / "m")
    assert isinstance(loaded, SAR)
    assert loaded.config == config


@pytest.mark.parametrize("change", [{"half_life_days": 7.0}, {}])
def test_a_config_that_was_changed_by_hand_is_refused(
    tmp_path: Path, change: dict[str, float]
) -> None:
    SAR().fit(dataset(ROWS)).save(tmp_path / "model")
    path = tmp_path / "model" / "model.json"
    head = json.loads(path.read_text())
    head["config"] |= change
    if not change:
        del head["config_sha256"]
    path.write_text(json.dumps(head))
    with pytest.raises(BundleError, match="another config"):
        SAR.load(tmp_path / "model")

"""What every trainer passes: inherit, and set `trainer`."""

# ruff: noqa: D102 (the names of the tests say it)

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from palate.errors import ConfigError, TrainError
from palate.train.state import Trained
from palate.train.trainer import Job, LocalTrainer, Trainer, read_weights

__all__ = ["TrainerConformance"]

EPOCHS, STEPS = 10, 10
SETTINGS: dict[str, Any] = {"epochs": EPOCHS, "batch_size": 60, "seed": 5}
Report = tuple[int, int, str]


def _job(**changes: Any) -> Job:
    return Job("palate.testing.trainer_job:make", SETTINGS | changes)


@dataclass(frozen=True, slots=True)
class Ours:
    """What the trainer did with the job, once for all tests."""

    folder: Path
    trained: Trained
    told: list[Report]


class TrainerConformance:
    """The law of `Trainer`, test by test. A subclass sets `trainer`.

    The data are a checkerboard: users and items are even or odd, and the item that is held out
    of each user's is of the user's kind.

    Attributes:
        trainer: What is tested.
    """

    trainer: ClassVar[Trainer]

    @pytest.fixture(scope="class")
    @classmethod
    def ours(cls, tmp_path_factory: pytest.TempPathFactory) -> Ours:
        folder = tmp_path_factory.mktemp("ours")
        told: list[Report] = []
        trained = cls.trainer.run(_job(), folder, progress=lambda *report: told.append(report))
        return Ours(folder, trained, told)

    def test_it_learns(self, ours: Ours) -> None:
        assert ours.trained.value is not None
        assert ours.trained.value > 0.95
        assert ours.trained.history[-1].loss < ours.trained.history[0].loss
        assert ours.trained.steps == EPOCHS * STEPS

    def test_progress_is_passed_on(self, ours: Ours) -> None:
        done, total, what = ours.told[-1]
        assert done == total == EPOCHS * STEPS
        assert f"epoch {EPOCHS} of {EPOCHS}" in what

    def test_one_seed_one_result(self, ours: Ours, tmp_path: Path) -> None:
        self.trainer.run(_job(), tmp_path)
        _alike(tmp_path, ours.folder)

    def test_quality_is_that_of_one_process(self, ours: Ours, tmp_path: Path) -> None:
        alone = LocalTrainer().run(_job(), tmp_path)
        assert alone.value == pytest.approx(ours.trained.value, abs=0.005)

    def test_the_weights_are_those_of_the_best_epoch(self, tmp_path: Path) -> None:
        """Validation falls after the first epoch; nothing is drawn, so any runner's are alike."""
        best = self.trainer.run(_job(falling=True, drawn=False), tmp_path / "all")
        one = LocalTrainer().run(_job(drawn=False, epochs=1), tmp_path / "one")
        assert best.epoch == one.epoch == 1
        assert len(best.history) == 4  # and patience is 3
        _alike(tmp_path / "all", tmp_path / "one")

    def test_a_loss_that_is_no_number_says_where_and_sound_data_go_on(
        self, ours: Ours, tmp_path: Path
    ) -> None:
        with pytest.raises(TrainError, match="loss is nan in epoch 3, step 25") as told:
            self.trainer.run(_job(poison=True), tmp_path)
        assert (told.value.epoch, told.value.step) == (3, 25)
        assert len(told.value.rows) > 0
        assert told.value.hint is not None
        resumed = self.trainer.run(_job(), tmp_path)
        assert resumed.steps == ours.trained.steps
        assert resumed.value == pytest.approx(ours.trained.value, abs=1e-5)
        _alike(tmp_path, ours.folder)

    def test_another_config_is_refused(self, ours: Ours) -> None:
        with pytest.raises(TrainError, match=f"epochs was {EPOCHS}, is 2"):
            self.trainer.run(_job(epochs=2), ours.folder)

    def test_a_job_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises((ConfigError, TrainError), match="there is no 'palate"):
            self.trainer.run(Job("palate.testing:nothing"), tmp_path)

    def test_no_weights_are_told(self, tmp_path: Path) -> None:
        with pytest.raises(TrainError, match="no trained weights"):
            read_weights(tmp_path)

    def test_settings_must_be_json(self) -> None:
        with pytest.raises(ConfigError, match="not JSON"):
            Job("palate.testing.trainer_job:make", {"path": Path()}).to_json()
        assert json.loads(_job().to_json())["settings"]["seed"] == 5


def _alike(folder: Path, other: Path) -> None:
    """The weights of two trainings are equal to 1e-5."""
    found, expected = read_weights(folder), read_weights(other)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, atol=1e-5)

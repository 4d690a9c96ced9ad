"""A training that is interrupted anywhere ends as if it had not been; others are refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.train.conftest import Line, Regression, squared
from torch import nn

from palate.errors import TrainError
from palate.testing.process import OtherProcess
from palate.train.batches import ArrayBatches, Batch
from palate.train.loop import Trained, train
from palate.train.settings import TrainConfig

CONFIG = TrainConfig(epochs=4, batch_size=16, learning_rate=0.05, seed=3, patience=0)
STEPS = 4 * 7


class CutError(Exception):
    """Raised by batches in the place of a power cut."""


class Cut:
    """The batches of a regression, ending abruptly after `steps`."""

    def __init__(self, batches: ArrayBatches, steps: int) -> None:
        self.batches, self.left = batches, steps

    def __len__(self) -> int:
        return len(self.batches)

    def fingerprint(self) -> str:
        return self.batches.fingerprint()

    def rows(self, epoch: int, batch: int) -> np.ndarray:
        return self.batches.rows(epoch, batch)

    def epoch(self, number: int, *, skip: int = 0) -> Iterator[Batch]:
        for batch in self.batches.epoch(number, skip=skip):
            if self.left == 0:
                raise CutError
            self.left -= 1
            yield batch


def run(
    regression: Regression,
    folder: Path | None,
    *,
    steps: int | None = None,
    config: TrainConfig = CONFIG,
    net: Line | None = None,
) -> tuple[Line, Trained]:
    net = regression.net(dropout=0.2) if net is None else net
    batches = Cut(regression.batches(), -1 if steps is None else steps)
    trained = train(
        net,
        squared,
        batches,
        config,
        validate=lambda: regression.negative_error(net),
        checkpoint=folder,
    )
    return net, trained


def alike(left: nn.Module, right: nn.Module) -> bool:
    pairs = zip(left.parameters(), right.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def without_times(trained: Trained) -> list[tuple[int, float, float | None]]:
    return [(one.epoch, one.loss, one.value) for one in trained.history]


@pytest.mark.parametrize("steps", [0, 1, 6, 7, 8, 13, STEPS - 1])
@pytest.mark.parametrize("every", [0, 3])
def test_resumed_equals_uninterrupted(
    steps: int, every: int, regression: Regression, tmp_path: Path
) -> None:
    config = CONFIG.model_copy(update={"checkpoint_steps": every})
    whole, expected = run(regression, None, config=config)
    with pytest.raises(CutError):
        run(regression, tmp_path, steps=steps, config=config)
    resumed, found = run(regression, tmp_path, config=config)
    assert alike(resumed, whole)
    assert without_times(found) == without_times(expected)
    assert (found.epoch, found.value, found.steps) == (expected.epoch, expected.value, STEPS)


def test_checkpoint_steps_lose_few_steps(regression: Regression, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"checkpoint_steps": 3})
    with pytest.raises(CutError):
        run(regression, tmp_path, steps=13, config=config)
    state = json.loads((tmp_path / "checkpoint.json").read_text())["state"]
    assert state["steps"] == 12
    assert (state["epoch"], state["batch"]) == (2, 5)


def test_a_finished_training_is_not_run_again(regression: Regression, tmp_path: Path) -> None:
    whole, expected = run(regression, tmp_path)
    again, found = run(regression, tmp_path, steps=0)
    assert alike(again, whole)
    assert found == expected


def test_the_best_weights_survive_the_interruption(regression: Regression, tmp_path: Path) -> None:
    values = [0.1, 0.9, 0.2, 0.3]
    config = CONFIG.model_copy(update={"patience": 2, "epochs": 10})

    def best(folder: Path, stops: list[int]) -> tuple[Line, Trained]:
        for steps in stops:
            net, told = regression.net(), iter(values)
            if (folder / "checkpoint.json").exists():
                said = json.loads((folder / "checkpoint.json").read_text())
                told = iter(values[len(said["state"]["history"]) :])
            try:
                trained = train(
                    net,
                    squared,
                    Cut(regression.batches(), steps),
                    config,
                    validate=lambda told=told: next(told),  # type: ignore[misc]
                    checkpoint=folder,
                )
            except CutError:
                continue
        return net, trained

    whole, expected = best(tmp_path / "whole", [-1])
    resumed, found = best(tmp_path / "cut", [22, -1])
    assert expected.epoch == found.epoch == 2
    assert alike(whole, resumed)


def test_only_the_files_of_one_checkpoint_are_kept(regression: Regression, tmp_path: Path) -> None:
    run(regression, tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["best-4.npz", "checkpoint.json", f"now-{STEPS}.npz"]


def test_files_that_a_checkpoint_names_are_never_written_again(
    regression: Regression, tmp_path: Path
) -> None:
    """Else a process killed while it writes would leave none that is whole."""
    values = iter([0.9, 0.1, 0.1, 0.1])
    net = regression.net()

    def go(steps: int) -> None:
        train(
            net,
            squared,
            Cut(regression.batches(), steps),
            CONFIG,
            validate=lambda: next(values),
            checkpoint=tmp_path,
        )

    with pytest.raises(CutError):
        go(10)
    best = tmp_path / "best-1.npz"
    written = best.stat().st_mtime_ns
    go(-1)
    assert best.stat().st_mtime_ns == written


# ---------------------------------------------------------------------- refused


def test_another_config_is_refused(regression: Regression, tmp_path: Path) -> None:
    run(regression, tmp_path)
    other = CONFIG.model_copy(update={"learning_rate": 0.1})
    with pytest.raises(TrainError, match=r"config differs: learning_rate was 0\.05, is 0\.1"):
        run(regression, tmp_path, config=other)


def test_other_data_are_refused(regression: Regression, tmp_path: Path) -> None:
    run(regression, tmp_path)
    regression.x[99, 3] += 1
    with pytest.raises(TrainError, match="its data differs"):
        run(regression, tmp_path)


def test_another_net_is_refused(regression: Regression, tmp_path: Path) -> None:
    run(regression, tmp_path)
    net = Line()
    net.line = nn.Linear(4, 2)
    with pytest.raises(TrainError, match=r"net differs.*line.weight was \[1, 4\], is \[2, 4\]"):
        run(regression, tmp_path, net=net)


@pytest.mark.parametrize("name", ["now-28.npz", "best-4.npz", "checkpoint.json"])
def test_a_damaged_checkpoint_is_refused(name: str, regression: Regression, tmp_path: Path) -> None:
    run(regression, tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(TrainError, match="damaged"):
        run(regression, tmp_path)


def test_another_format_is_refused(regression: Regression, tmp_path: Path) -> None:
    run(regression, tmp_path)
    path = tmp_path / "checkpoint.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(TrainError, match="format 99"):
        run(regression, tmp_path)


# ---------------------------------------------------------------------- killed

KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
import numpy as np
from tests.train.conftest import TRUE, Regression, squared
from tests.train.test_checkpoint import CONFIG
from palate.train.loop import train

x = np.random.default_rng(0).normal(size=(100, len(TRUE))).astype(np.float32)
regression = Regression(x, x @ TRUE + np.float32(0.25))
net = regression.net(dropout=0.2)
class Slow:
    def __init__(self):
        self.batches = regression.batches()
        self.fingerprint, self.rows = self.batches.fingerprint, self.batches.rows
    def __len__(self):
        return len(self.batches)
    def epoch(self, number, *, skip=0):
        for at, batch in enumerate(self.batches.epoch(number, skip=skip), skip):
            if (number, at) == (2, 5):
                print("here", flush=True)
                input()
            yield batch
train(net, squared, Slow(), CONFIG.model_copy(update=dict(checkpoint_steps=2)),
      validate=lambda: regression.negative_error(net), checkpoint=Path({folder!r}))
"""


def test_a_killed_process_is_resumed_to_the_same_weights(
    regression: Regression, tmp_path: Path
) -> None:
    config = CONFIG.model_copy(update={"checkpoint_steps": 2})
    root = str(Path(__file__).resolve().parents[2])
    folder = tmp_path / "run"
    with OtherProcess(KILLED.format(root=root, folder=str(folder))) as other:
        assert other.line() == "here"  # and is killed with signal 9 there
    assert json.loads((folder / "checkpoint.json").read_text())["state"]["steps"] == 12
    resumed, found = run(regression, folder, config=config)
    whole, expected = run(regression, None, config=config)
    assert alike(resumed, whole)
    assert without_times(found) == without_times(expected)

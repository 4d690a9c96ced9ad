"""The loop learns, stops, says what it does, and refuses what cannot be learned from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.train.conftest import TRUE, Line, Regression, squared
from torch import nn

from palate.errors import TrainError
from palate.train.batches import ArrayBatches, Batch
from palate.train.loop import train
from palate.train.seeds import seeded
from palate.train.settings import TrainConfig
from palate.types import Int64Array

CONFIG = TrainConfig(epochs=60, batch_size=16, learning_rate=0.05, seed=3)


def weights(net: nn.Module) -> list[np.ndarray]:
    return [one.detach().numpy().copy() for one in net.parameters()]


def same(left: list[np.ndarray], right: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def test_it_finds_the_line(regression: Regression) -> None:
    net = regression.net()
    trained = train(net, squared, regression.batches(), CONFIG)
    np.testing.assert_allclose(net.line.weight.detach().numpy()[0], TRUE, atol=1e-2)
    assert trained.epoch == len(trained.history) == 60
    assert trained.steps == 60 * 7
    assert trained.value is None
    assert trained.history[-1].loss < 1e-3 < trained.history[0].loss
    assert all(record.rows_per_s > 0 for record in trained.history)
    assert not net.training


def test_one_seed_one_result_whatever_torch_drew_before(regression: Regression) -> None:
    config = CONFIG.model_copy(update={"epochs": 3})
    found = []
    for drawn in (0, 5):
        torch.rand(drawn)
        net = regression.net(dropout=0.3)
        train(net, squared, regression.batches(), config)
        found.append(weights(net))
    assert same(*found)
    other = regression.net(dropout=0.3)
    train(other, squared, regression.batches(), config.model_copy(update={"seed": 4}))
    assert not same(found[0], weights(other))


def test_training_leaves_torchs_generator_alone(regression: Regression) -> None:
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    train(
        regression.net(0.5), squared, regression.batches(), CONFIG.model_copy(update={"epochs": 1})
    )
    assert torch.equal(torch.rand(3), expected)


def test_it_stops_after_patience_and_keeps_the_best(regression: Regression) -> None:
    values = iter([0.1, 0.5, 0.4, 0.5, 0.9])
    net, seen = regression.net(), []

    def validate() -> float:
        assert not net.training
        assert not torch.is_grad_enabled()
        seen.append(weights(net))
        return next(values)

    config = CONFIG.model_copy(update={"patience": 2})
    trained = train(net, squared, regression.batches(), config, validate=validate)
    assert [record.value for record in trained.history] == [0.1, 0.5, 0.4, 0.5]  # a tie is no gain
    assert (trained.epoch, trained.value) == (2, 0.5)
    assert same(weights(net), seen[1])
    assert not same(weights(net), seen[3])
    assert not net.training


def test_patience_zero_trains_all_epochs_and_keeps_the_best(regression: Regression) -> None:
    values = iter([0.3, 0.2, 0.1])
    config = CONFIG.model_copy(update={"patience": 0, "epochs": 3})
    trained = train(
        regression.net(), squared, regression.batches(), config, validate=lambda: next(values)
    )
    assert (trained.epoch, len(trained.history)) == (1, 3)


def test_clipping_bounds_the_step_of_plain_descent(regression: Regression) -> None:
    config = CONFIG.model_copy(update={"epochs": 1, "clip_norm": 0.5, "batch_size": 100})
    net = regression.net()
    before = weights(net)
    train(
        net,
        squared,
        regression.batches(size=100),
        config,
        optimizer=lambda net: torch.optim.SGD(net.parameters(), lr=1.0),
    )
    moved = np.concatenate([(a - b).ravel() for a, b in zip(weights(net), before, strict=True)])
    assert np.linalg.norm(moved) == pytest.approx(0.5, rel=1e-3)


def test_bfloat16_learns_and_keeps_float32_weights(regression: Regression) -> None:
    net = regression.net()
    config = CONFIG.model_copy(update={"precision": "bfloat16"})
    train(net, squared, regression.batches(), config)
    assert net.line.weight.dtype is torch.float32
    np.testing.assert_allclose(net.line.weight.detach().numpy()[0], TRUE, atol=0.05)


def test_progress_is_told_steps_and_loss(regression: Regression) -> None:
    told: list[tuple[int, int, str]] = []
    train(
        regression.net(),
        squared,
        regression.batches(),
        CONFIG.model_copy(update={"epochs": 2}),
        progress=lambda done, total, what: told.append((done, total, what)),
    )
    assert told[0][:2] == (1, 14)
    assert told[0][2].startswith("epoch 1 of 2, loss ")
    assert told[-1][:2] == (14, 14)


@pytest.mark.parametrize("rows", [1, 2, 17])
def test_a_batch_of_one(rows: int, regression: Regression) -> None:
    batches = ArrayBatches((regression.x[:rows], regression.y[:rows]), batch_size=1, seed=0)
    net = regression.net()
    trained = train(net, squared, batches, CONFIG.model_copy(update={"epochs": 2}))
    assert trained.steps == 2 * rows
    assert all(np.isfinite(one).all() for one in weights(net))


# ---------------------------------------------------------------------- what stops it


def test_nan_in_a_row_is_found_before_it_reaches_a_weight(
    regression: Regression, tmp_path: Path
) -> None:
    regression.x[37, 2] = np.nan
    net, folder = regression.net(), tmp_path / "run"
    batches = regression.batches()
    with pytest.raises(
        TrainError, match="part 0 of the batch holds NaN or infinity in 1 of"
    ) as told:
        train(net, squared, batches, CONFIG, checkpoint=folder)
    error = told.value
    assert error.epoch == 1
    assert error.step is not None
    assert 37 in error.rows
    assert error.rows == tuple(batches.rows(1, error.step - 1))
    assert all(np.isfinite(one).all() for one in weights(net))
    with np.load(folder / f"batch-{error.step}.npz") as kept:
        np.testing.assert_array_equal(kept["rows"], error.rows)
        np.testing.assert_array_equal(kept["part_0"], regression.x[kept["rows"]])


def test_weights_that_went_too_far_are_named(regression: Regression) -> None:
    def explode(net: nn.Module, batch: Batch) -> torch.Tensor:
        return squared(net, batch) * 1e30

    with pytest.raises(TrainError, match=r"line\.weight.* went too far") as told:
        train(
            regression.net(),
            explode,
            regression.batches(),
            CONFIG,
            optimizer=lambda net: torch.optim.SGD(net.parameters(), lr=1e30),
        )
    assert told.value.step == 2
    assert "learning_rate" in str(told.value)


def test_an_overflowing_loss_is_told_from_bad_data(regression: Regression) -> None:
    def logarithm(net: nn.Module, batch: Batch) -> torch.Tensor:
        return torch.log(squared(net, batch) * 0)

    with pytest.raises(TrainError, match=r"the loss is -inf in epoch 1, step 1: .*overflows"):
        train(regression.net(), logarithm, regression.batches(), CONFIG)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_validation_value_that_is_no_number_stops(value: float, regression: Regression) -> None:
    with pytest.raises(TrainError, match="validation value of epoch 1"):
        train(regression.net(), squared, regression.batches(), CONFIG, validate=lambda: value)


class Bare:
    """Batches that can do only what they must."""

    def __init__(self, said: int, given: int) -> None:
        self.said, self.given = said, given

    def __len__(self) -> int:
        return self.said

    def epoch(self, number: int, *, skip: int = 0) -> Iterator[Batch]:
        for _ in range(skip, self.given):
            yield torch.ones(2, len(TRUE)), torch.zeros(2)


def test_no_batches_are_refused() -> None:
    with pytest.raises(TrainError, match="nothing to learn from"):
        train(Line(), squared, Bare(0, 0), CONFIG)


def test_batches_that_miscount_are_refused() -> None:
    with pytest.raises(TrainError, match="had 2 batches, not the 3 said"):
        train(Line(), squared, Bare(3, 2), CONFIG)


def test_seeded_gives_the_same_start_and_then_lets_torch_go_on() -> None:
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    with seeded(1):
        first = Line()
    assert torch.equal(torch.rand(2), expected)
    with seeded(1):
        second = Line()
    assert same(weights(first), weights(second))


def test_a_part_without_elements_does_not_hide_the_cause(regression: Regression) -> None:
    def emptied(rows: Int64Array, _: np.random.Generator) -> Batch:
        x, y = torch.from_numpy(regression.x[rows]), torch.from_numpy(regression.y[rows])
        return x, y, torch.empty(len(rows), 0)

    def poisoned(net: nn.Module, batch: Batch) -> torch.Tensor:
        return squared(net, batch[:2]) * float("nan")

    batches = ArrayBatches((regression.x,), batch_size=16, seed=1, prepare=emptied)
    with pytest.raises(TrainError, match="overflows"):
        train(regression.net(), poisoned, batches, CONFIG)

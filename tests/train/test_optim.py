"""Lazy Adam against dense Adam, and the choice between them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from palate.errors import ConfigError
from palate.train.clip import clip_gradients
from palate.train.optim import LazyAdam, adam
from palate.train.settings import TrainConfig

ROWS, WIDTH = 7, 3


class Table(nn.Module):
    """An embedding table and a dense layer over it."""

    def __init__(self, *, sparse: bool) -> None:
        super().__init__()
        self.table = nn.Embedding(ROWS, WIDTH, sparse=sparse)
        self.dense = nn.Linear(WIDTH, 1)
        rng = np.random.default_rng(1)
        for one in self.parameters():
            one.data = torch.from_numpy(rng.normal(size=tuple(one.shape)).astype(np.float32))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.dense(torch.tanh(self.table(rows)))
        return out.square().mean()


def steps(net: Table, optimizer: torch.optim.Optimizer, batches: list[torch.Tensor]) -> None:
    for rows in batches:
        optimizer.zero_grad()
        net(rows).backward()
        optimizer.step()


def repeated(count: int) -> list[torch.Tensor]:
    """Batches that have every row, some of them several times."""
    rng = np.random.default_rng(2)
    return [
        torch.from_numpy(
            rng.permutation(np.concatenate((np.arange(ROWS), rng.integers(ROWS, size=9))))
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_equals_dense_adam_where_every_row_is_touched(decay: float) -> None:
    lazy, dense = Table(sparse=True), Table(sparse=False)
    steps(lazy, LazyAdam(lazy.parameters(), lr=0.01, weight_decay=decay), repeated(30))
    steps(dense, torch.optim.AdamW(dense.parameters(), lr=0.01, weight_decay=decay), repeated(30))
    for ours, theirs in zip(lazy.parameters(), dense.parameters(), strict=True):
        np.testing.assert_allclose(ours.detach(), theirs.detach(), rtol=1e-4, atol=1e-5)


def test_equals_torchs_sparse_adam_whatever_is_touched() -> None:
    rng = np.random.default_rng(3)
    batches = [torch.from_numpy(rng.integers(ROWS, size=3)) for _ in range(40)]
    ours, theirs = Table(sparse=True), Table(sparse=True)
    for net in (ours, theirs):
        net.dense.requires_grad_(requires_grad=False)
    steps(ours, LazyAdam(ours.table.parameters(), lr=0.01), batches)
    steps(theirs, torch.optim.SparseAdam(list(theirs.table.parameters()), lr=0.01), batches)
    np.testing.assert_allclose(
        ours.table.weight.detach(), theirs.table.weight.detach(), rtol=1e-5, atol=1e-6
    )


def test_a_row_that_is_absent_stands_still() -> None:
    net = Table(sparse=True)
    before = net.table.weight.detach().clone()
    optimizer = LazyAdam(net.parameters(), lr=0.1, weight_decay=0.1)
    steps(net, optimizer, [torch.tensor([0, 1]), torch.tensor([1, 1])])
    after = net.table.weight.detach()
    assert torch.equal(after[2:], before[2:])
    assert not torch.isclose(after[:2], before[:2]).any()
    moments = optimizer.state[net.table.weight]["exp_avg"]
    assert not moments[2:].any()


def test_gradients_are_left_for_who_looks_at_them() -> None:
    net = Table(sparse=True)
    steps(net, LazyAdam(net.parameters()), [torch.tensor([3])])
    assert net.table.weight.grad is not None
    assert net.table.weight.grad.is_sparse


def test_its_state_goes_through_state_dict() -> None:
    whole, cut = Table(sparse=True), Table(sparse=True)
    batches = [torch.tensor([0, 1, 1]), torch.tensor([2, 0]), torch.tensor([5, 1])]
    steps(whole, LazyAdam(whole.parameters(), lr=0.05), batches)
    first = LazyAdam(cut.parameters(), lr=0.05)
    steps(cut, first, batches[:1])
    second = LazyAdam(cut.parameters(), lr=0.05)
    second.load_state_dict(first.state_dict())
    steps(cut, second, batches[1:])
    for ours, theirs in zip(cut.parameters(), whole.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    json.dumps(second.state_dict()["param_groups"])  # a checkpoint keeps them as JSON


def test_a_closure_is_refused() -> None:
    with pytest.raises(ConfigError, match="closure"):
        LazyAdam(Table(sparse=True).parameters()).step(lambda: 0.0)


def test_adam_is_chosen_by_the_net_and_the_decay() -> None:
    plain, decayed = TrainConfig(learning_rate=0.02), TrainConfig(weight_decay=0.1)
    assert type(adam(Table(sparse=False), plain)) is torch.optim.Adam
    assert type(adam(Table(sparse=False), decayed)) is torch.optim.AdamW
    lazy = adam(Table(sparse=True), decayed)
    assert type(lazy) is LazyAdam
    assert lazy.param_groups[0]["weight_decay"] == 0.1
    assert adam(Table(sparse=False), plain).param_groups[0]["lr"] == 0.02


def test_frozen_weights_are_left_out() -> None:
    net = Table(sparse=False)
    net.table.requires_grad_(requires_grad=False)
    chosen = adam(net, TrainConfig())
    assert len(chosen.param_groups[0]["params"]) == 2


# ---------------------------------------------------------------------- clipping


def gradients(net: Table) -> torch.Tensor:
    parts = [one.grad for one in net.parameters() if one.grad is not None]
    return torch.cat([part.to_dense().ravel() for part in parts])


@pytest.mark.parametrize("sparse", [True, False])
def test_clipping_scales_all_gradients_by_one_factor(sparse: bool) -> None:
    net = Table(sparse=sparse)
    net(torch.tensor([0, 4, 4, 4])).backward()
    before = gradients(net)
    assert clip_gradients(list(net.parameters()), 0.01) == pytest.approx(float(before.norm()))
    torch.testing.assert_close(gradients(net), before * 0.01 / before.norm())


def test_clipping_leaves_small_gradients_alone() -> None:
    net = Table(sparse=True)
    net(torch.tensor([0, 4])).backward()
    before = gradients(net)
    clip_gradients(list(net.parameters()), 1e6)
    assert torch.equal(gradients(net), before)


def test_clipping_nothing_is_zero() -> None:
    assert clip_gradients(list(Table(sparse=True).parameters()), 1.0) == 0.0

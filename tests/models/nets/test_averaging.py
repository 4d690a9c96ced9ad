"""The running mean of weights: the recursion written out, and what the net has when."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from palate.models.nets.averaging import Averaged


def stepped(decay: float, steps: int) -> tuple[nn.Linear, Averaged, list[float]]:
    """A weight that starts at 1 and grows by 1 each step."""
    net = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        net.weight.fill_(1.0)
    average = Averaged(net, decay)
    optimizer = average.follow(torch.optim.SGD(net.parameters(), lr=1.0))
    seen = []
    for _ in range(steps):
        net.weight.grad = torch.full((1, 1), -1.0)
        optimizer.step()
        seen.append(net.weight.item())
    return net, average, seen


@pytest.mark.parametrize(("decay", "steps"), [(0.0, 3), (0.5, 1), (0.5, 30), (0.99, 40)])
def test_is_the_recursion(decay: float, steps: int) -> None:
    net, average, seen = stepped(decay, steps)
    mean = 1.0
    for t, weight in enumerate(seen, start=1):
        d = min(decay, t / (t + 10))
        mean = d * mean + (1 - d) * weight
    with average.in_place():
        assert net.weight.item() == pytest.approx(mean, rel=1e-5)
    assert net.weight.item() == seen[-1]


def test_without_decay_it_is_the_weights() -> None:
    net, average, seen = stepped(0.0, 5)
    average.hand_over()
    assert net.weight.item() == seen[-1]


def test_the_mean_kept_is_handed_over() -> None:
    net, average, _ = stepped(0.5, 5)
    with average.in_place():
        wanted = net.weight.item()
    average.keep()
    optimizer = average.follow(torch.optim.SGD(net.parameters(), lr=1.0))
    net.weight.grad = torch.full((1, 1), -100.0)
    optimizer.step()
    average.hand_over()
    assert net.weight.item() == wanted


def test_what_a_normalisation_measured_is_averaged_too() -> None:
    net = nn.BatchNorm1d(1)
    average = Averaged(net, 0.5)
    optimizer = average.follow(torch.optim.SGD(net.parameters(), lr=0.1))
    for _ in range(20):
        net(torch.tensor([[3.0], [5.0]])).sum().backward()
        optimizer.step()
    assert net.running_mean is not None
    raw = net.running_mean.item()
    with average.in_place():
        assert 0 < net.running_mean.item() < raw


def test_own_weights_come_back_after_a_fault() -> None:
    net, average, seen = stepped(0.9, 4)

    def fault() -> None:
        with average.in_place():
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        fault()
    assert net.weight.item() == seen[-1]

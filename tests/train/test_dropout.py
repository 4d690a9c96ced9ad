"""Dropout keeps the mean, drops the share it says, and is torch's in every other way."""

from __future__ import annotations

import pytest
import torch

from palate.train.dropout import Dropout, dropout
from palate.train.seeds import reseed, seeded


@pytest.mark.parametrize("p", [0.1, 0.2, 0.5, 0.9])
def test_it_drops_the_share_it_says_and_keeps_the_mean(p: float) -> None:
    with seeded(1):
        out = dropout(torch.ones(1000, 400), p, training=True)
    assert float((out == 0).float().mean()) == pytest.approx(p, abs=0.004)
    assert float(out.mean()) == pytest.approx(1.0, abs=0.01)
    assert len(set(out.ravel().tolist())) == 2


def test_units_are_dropped_independently() -> None:
    with seeded(2):
        out = (dropout(torch.ones(100_000, 8), 0.5, training=True) > 0).float()
    correlations = torch.corrcoef(out.T) - torch.eye(8)
    assert float(correlations.abs().max()) < 0.02


def test_gradients_flow_where_it_was_kept() -> None:
    x = torch.randn(50, 7, requires_grad=True)
    out = dropout(x, 0.3, training=True)
    out.sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.where(out == 0, 0.0, out.detach() / x.detach()))


@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (2, 3, 7), (0, 4)])
def test_any_shape(shape: tuple[int, ...]) -> None:
    assert dropout(torch.ones(shape), 0.5, training=True).shape == shape


def test_nothing_happens_when_not_training_or_at_zero() -> None:
    x = torch.ones(5)
    assert dropout(x, 0.5, training=False) is x
    assert dropout(x, 0.0, training=True) is x
    module = Dropout(0.5).eval()
    assert module(x) is x
    assert repr(module) == "Dropout(p=0.5)"


def test_it_draws_by_torchs_generator() -> None:
    drawn = []
    with seeded(0):
        for key in (1, 1, 2):
            reseed(key)
            drawn.append(Dropout(0.5)(torch.ones(64)))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_types_are_kept() -> None:
    assert dropout(torch.ones(9, dtype=torch.bfloat16), 0.5, training=True).dtype is torch.bfloat16

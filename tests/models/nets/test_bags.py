"""Bags: torch's sums, and its gradient with each row once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from palate.models.nets.bags import Bag

pytestmark = pytest.mark.usefixtures("one_thread")


@given(
    n=st.integers(1, 7), slots=st.integers(1, 5), rows=st.integers(1, 9), seed=st.integers(0, 99)
)
def test_sums_and_gradient_are_torchs(n: int, slots: int, rows: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    bag = Bag(rows, 3)
    torchs = nn.EmbeddingBag(rows, 3, mode="sum")
    torchs.load_state_dict(bag.state_dict())
    chosen = torch.randint(rows, (n, slots), generator=draw)
    weights = torch.rand(n, slots, generator=draw) * torch.randint(2, (n, slots), generator=draw)
    found, expected = bag(chosen, weights), torchs(chosen, per_sample_weights=weights)
    torch.testing.assert_close(found, expected)
    wanted = torch.randn(n, 3, generator=draw)
    (found * wanted).sum().backward()
    (expected * wanted).sum().backward()
    assert bag.weight.grad is not None
    assert torchs.weight.grad is not None
    torch.testing.assert_close(bag.weight.grad.to_dense(), torchs.weight.grad)


def test_a_row_is_named_once_and_an_empty_slot_not_at_all() -> None:
    bag = Bag(6, 2)
    slots = torch.tensor([[4, 4, 0], [1, 4, 0]])
    weights = torch.tensor([[1.0, 2.0, 0.0], [1.0, 1.0, 0.0]])
    for _ in range(2):  # what it keeps between two passes is as it was
        bag.zero_grad()
        bag(slots, weights).sum().backward()
        gradient = bag.weight.grad
        assert gradient is not None
        assert gradient._indices()[0].tolist() == [4, 1]
        np.testing.assert_array_equal(gradient._values().numpy(), [[4, 4], [1, 1]])

"""The rate that falls: by hand over two epochs, from the middle, and for each group alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from palate.models.nets.realtime_rate import FallingRate
from palate.train.batches import Batch


class Two:
    """Two batches an epoch."""

    def __len__(self) -> int:
        return 2

    def epoch(self, number: int, *, skip: int = 0) -> Iterator[Batch]:
        for at in range(skip, 2):
            yield (torch.tensor([float(10 * number + at)]),)


@pytest.fixture
def optimizer() -> torch.optim.Optimizer:
    """One whose second group learns half as fast."""
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    groups: list[dict[str, Any]] = [{"params": [weights[0]]}, {"params": [weights[1]], "lr": 0.2}]
    return torch.optim.SGD(groups, lr=0.4)


def rates(optimizer: torch.optim.Optimizer) -> list[float]:
    return [group["lr"] for group in optimizer.param_groups]


def test_falls_in_a_line_over_all_epochs(optimizer: torch.optim.Optimizer) -> None:
    batches = FallingRate(Two(), optimizer, 2)
    found = [(batch[0].item(), rates(optimizer)) for n in (1, 2) for batch in batches.epoch(n)]
    assert len(batches) == 2
    assert [value for value, _ in found] == [10, 11, 20, 21]
    for (_, seen), share in zip(found, (1.0, 0.75, 0.5, 0.25), strict=True):
        assert seen == pytest.approx([0.4 * share, 0.2 * share])


def test_resumes_at_the_rate_of_the_batch(optimizer: torch.optim.Optimizer) -> None:
    batches = FallingRate(Two(), optimizer, 2)
    (batch,) = batches.epoch(2, skip=1)
    assert batch[0].item() == 21
    assert rates(optimizer) == pytest.approx([0.1, 0.05])

"""A training that trainers are tested with: factors of a checkerboard, judged by NDCG."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from palate.train.batches import ArrayBatches, Batch
from palate.train.losses import bpr
from palate.train.samplers import UniformSampler
from palate.train.samplers.touched import Touched
from palate.train.seeds import seeded
from palate.train.settings import TrainConfig
from palate.train.trainer import Parts
from palate.types import Int64Array

__all__ = ["make"]

USERS: Final = 60
ITEMS: Final = 24
HELD: Final = 2  # of each user's items
POISONED: Final = (3, 4)  # epoch and batch, from 0


class Factors(nn.Module):
    """score = x_u . y_i, by tables of which a step touches some rows."""

    def __init__(self) -> None:
        super().__init__()
        self.users = nn.Embedding(USERS, 8, sparse=True)
        self.items = nn.Embedding(ITEMS, 8, sparse=True)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """(n,) scores of (n,) pairs."""
        scores: torch.Tensor = (self.users(users) * self.items(items)).sum(dim=-1)
        return scores * self.scale


class Poisoned:
    """Batches of which one makes a loss that is no number."""

    def __init__(self, batches: ArrayBatches) -> None:
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def fingerprint(self) -> str:
        """As if it were sound, so that a sound run may go on."""
        return self._batches.fingerprint()

    def rows(self, epoch: int, batch: int) -> Int64Array:
        """Of the batch."""
        return self._batches.rows(epoch, batch)

    def epoch(self, number: int, *, skip: int = 0) -> Iterator[Batch]:
        """The batches, with one that says to be bad."""
        for at, (users, items, drawn, _) in enumerate(self._batches.epoch(number, skip=skip), skip):
            bad = torch.full(users.shape, float("nan") if (number, at) == POISONED else 0.0)
            yield users, items, drawn, bad


def make(settings: dict[str, Any]) -> Parts:
    """The parts.

    Args:
        settings: `epochs`, `batch_size`, `seed`; `falling` lets validation fall, `poison` spoils
            a batch of epoch 3, `drawn` false compares with the next item in place of a draw.
    """
    config = TrainConfig(
        epochs=settings["epochs"],
        batch_size=settings["batch_size"],
        learning_rate=0.05,
        patience=3 if settings.get("falling") else 0,
        seed=settings["seed"],
    )
    users, items = _checkerboard()
    of_kind = ITEMS // 2
    place = np.arange(len(users)) % of_kind
    learned = place != (users % of_kind)
    learned &= place != (users + 5) % of_kind
    sampler = UniformSampler(ITEMS, touched=Touched.of(users, items, USERS))
    known = torch.from_numpy(users[learned]), torch.from_numpy(items[learned])

    def prepare(rows: Int64Array, rng: np.random.Generator) -> Batch:
        of = known[0][rows]
        touched = known[1][rows]
        drawn = (touched + 1) % ITEMS  # of the other kind
        if settings.get("drawn", True):
            drawn = torch.from_numpy(sampler.draw(rng, of.numpy(), 1)[:, 0])
        return of, touched, drawn, torch.zeros(len(rows))

    def loss(net: nn.Module, batch: Batch) -> torch.Tensor:
        of, touched, drawn, bad = batch
        return bpr(net(of, touched), net(of, drawn)) + bad.sum()

    batches = ArrayBatches(
        (users[learned], items[learned]),
        batch_size=config.batch_size,
        seed=config.seed,
        prepare=prepare,
    )
    with seeded(config.seed):
        net = Factors()
    values = iter(range(1, -100, -1))
    held = users[~learned], items[~learned]

    def validate() -> float:
        return float(next(values)) if settings.get("falling") else _ndcg(net, held, known)

    source = Poisoned(batches) if settings.get("poison") else batches
    return Parts(net, loss, source, config, validate)


def _checkerboard() -> tuple[Int64Array, Int64Array]:
    """(n,) users and (n,) items of the same kind."""
    users = np.repeat(np.arange(USERS, dtype=np.int64), ITEMS // 2)
    items = np.tile(np.arange(0, ITEMS, 2, dtype=np.int64), USERS) + users % 2
    return users, items


def _ndcg(
    net: Factors, held: tuple[Int64Array, Int64Array], known: tuple[torch.Tensor, torch.Tensor]
) -> float:
    """NDCG over all items that were not learned from."""
    scores = net.users.weight @ net.items.weight.T
    scores[known] = -torch.inf
    order = torch.argsort(-scores, dim=1, stable=True)
    ranks = torch.empty_like(order)
    ranks.scatter_(1, order, torch.arange(ITEMS).expand(USERS, -1).contiguous())
    found = ranks[torch.from_numpy(held[0]), torch.from_numpy(held[1])].numpy()
    best = sum(1 / np.log2(2 + place) for place in range(HELD))
    return float((1 / np.log2(2 + found)).sum() / (USERS * best))

"""NCF's nets, for learning: GMF, MLP, and NeuMF, which is both side by side."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from palate.data.histories import Histories
from palate.train.batches import ArrayBatches, Batch
from palate.train.losses import binary_cross_entropy
from palate.train.samplers.touched import Touched
from palate.train.samplers.uniform import UniformSampler
from palate.types import Int64Array

if TYPE_CHECKING:
    from palate.models.ncf import NCFConfig

__all__ = ["GMF", "MLP", "NCFNet", "arrays_of", "batches_of", "click_loss", "joined"]

MOST = 4096  # items of one user in a step: what bounds the memory of one


class Sides(nn.Module):
    """Embeddings p of users and q of items; a user is the other items touched.

    Args:
        n_items: Size of the vocabulary.
        d: Width.
        alpha: A history of n items weighs n^-alpha.
        sigma: Deviation that embeddings start with.
    """

    def __init__(self, n_items: int, d: int, alpha: float, sigma: float) -> None:
        super().__init__()
        self.alpha = alpha
        self.touched = nn.EmbeddingBag(n_items, d, mode="sum")
        self.items = nn.Embedding(n_items, d)
        nn.init.normal_(self.touched.weight, std=sigma)
        nn.init.normal_(self.items.weight, std=sigma)

    def forward(self, batch: Batch) -> Tensor:
        """(m, 1, d) users without the item to be found."""
        asked, users, items, starts, counts = batch
        sums = self.touched(items, starts)[users]
        others = sums - functional.embedding(asked[:, 0], self.touched.weight)
        weights = (counts - 1).clamp(min=1).float().pow(-self.alpha)
        return torch.as_tensor((others * weights[users, None])[:, None])


class GMF(nn.Module):
    """p * q, factor by factor."""

    def __init__(self, n_items: int, config: NCFConfig) -> None:
        super().__init__()
        self.width = config.d
        self.sides = Sides(n_items, config.d, config.alpha, config.sigma)

    def forward(self, batch: Batch) -> Tensor:
        """(m, 1 + negatives, d)."""
        return torch.as_tensor(self.sides(batch) * self.sides.items(batch[0]))


class MLP(nn.Module):
    """Dense layers with max(0, .) over p and q side by side."""

    def __init__(self, n_items: int, config: NCFConfig) -> None:
        super().__init__()
        widths = config.layers
        half = widths[0] // 2
        self.width = widths[-1]
        self.sides = Sides(n_items, half, config.alpha, config.sigma)
        # The first layer in two parts: the user's is the same for all items of a row.
        self.user = nn.Linear(half, widths[1])
        self.item = nn.Linear(half, widths[1], bias=False)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths[1:]))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, batch: Batch) -> Tensor:
        """(m, 1 + negatives, last width)."""
        hidden = torch.relu(self.user(self.sides(batch)) + self._of_items(batch[0]))
        for layer in self.layers:
            hidden = torch.relu(layer(self.dropout(hidden)))
        return torch.as_tensor(hidden)

    def _of_items(self, asked: Tensor) -> Tensor:
        """(m, 1 + negatives, width) the items' side of the first layer."""
        table = self.sides.items
        if asked.numel() < table.num_embeddings:
            return torch.as_tensor(self.item(table(asked)))
        return functional.embedding(asked, self.item(table.weight))  # each item once


class NCFNet(nn.Module):
    """One part or both, and the weights h that make a log odds of what they give.

    Args:
        gmf: The one part.
        mlp: The other.
    """

    def __init__(self, gmf: GMF | None, mlp: MLP | None) -> None:
        super().__init__()
        self.gmf, self.mlp = gmf, mlp
        self.out = nn.Linear(sum(part.width for part in self.parts), 1)
        nn.init.constant_(self.out.weight, 1.0 if mlp is None else 0.1)

    @property
    def parts(self) -> list[GMF | MLP]:
        """Those there are, GMF first."""
        return [part for part in (self.gmf, self.mlp) if part is not None]

    def forward(self, batch: Batch) -> Tensor:
        """(m, 1 + negatives) log odds."""
        found = torch.cat([part(batch) for part in self.parts], dim=2)
        return torch.as_tensor(self.out(found).squeeze(2))


def joined(one: NCFNet, other: NCFNet) -> NCFNet:
    """NeuMF of a trained GMF and a trained MLP, each half of the log odds.

    Source: He et al. 2017, section 3.4.1, with alpha = 1/2 in equation 13.
    """
    net = NCFNet(one.gmf, other.mlp)
    with torch.no_grad():
        net.out.weight.copy_(0.5 * torch.cat((one.out.weight, other.out.weight), dim=1))
        net.out.bias.copy_(0.5 * (one.out.bias + other.out.bias))
    return net


def click_loss(net: nn.Module, batch: Batch) -> Tensor:
    """Mean log loss: the touched item is 1, those drawn are 0."""
    logits = net(batch)
    labels = torch.zeros_like(logits)
    labels[:, 0] = 1
    return binary_cross_entropy(logits, labels)


def batches_of(histories: Histories, config: NCFConfig) -> ArrayBatches:
    """Users with all they touched, each item beside `config.negatives` drawn ones.

    A batch: items asked for (m, 1 + negatives), the user of each row (m,), 0 to n - 1; what the
    users touched (h,), where each one's begins (n,), and how many there are (n,). Of a user who
    touched more than `MOST`, so many are asked for, others in every epoch.

    Args:
        histories: Each item of a user once.
        config: Users a batch, negatives.
    """
    active = np.flatnonzero(np.diff(histories.indptr))
    touched = Touched.of(histories.users(), histories.items, histories.n_users)
    sampler = UniformSampler(histories.n_items, touched=touched)

    def prepare(rows: Int64Array, rng: np.random.Generator) -> Batch:
        users = active[rows]
        part = histories.select(users)
        counts, items = np.diff(part.indptr), part.items.astype(np.int64)
        some = np.ones(len(items), np.bool_)
        for user in np.flatnonzero(counts > MOST):
            left_out = rng.permutation(counts[user])[MOST:]
            some[part.indptr[user] + left_out] = False
        of = part.users()[some].astype(np.int64)
        drawn = sampler.draw(rng, users[of], config.negatives)
        asked = np.column_stack((items[some], drawn))
        arrays = (asked, of, items, part.indptr[:-1].copy(), counts)
        return tuple(torch.from_numpy(array) for array in arrays)

    return ArrayBatches((active,), batch_size=config.batch_size, seed=config.seed, prepare=prepare)


def arrays_of(net: NCFNet) -> dict[str, np.ndarray]:
    """The weights by name, copied."""
    return {name: value.detach().numpy().copy() for name, value in net.state_dict().items()}

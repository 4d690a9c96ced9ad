"""LightGCN's net, for learning: item embeddings carried over the graph of users and items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from palate.data.histories import Histories
from palate.models.nets.user_batches import UserBatch, user_batches
from palate.models.pairs import Pairs
from palate.train.batches import ArrayBatches, Batch
from palate.train.losses import bpr
from palate.train.samplers.touched import Touched
from palate.train.samplers.uniform import UniformSampler

if TYPE_CHECKING:
    from palate.models.lightgcn import LightGCNConfig

__all__ = ["Graph", "LightGCNNet", "LightGCNTask", "arrays_of"]


class Hop:
    """A sparse matrix that is multiplied with dense ones, (n, m) times (m, d).

    Args:
        indptr: (n + 1,) int64.
        columns: (nnz,) int32.
        weights: (nnz,) float32.
    """

    def __init__(self, indptr: np.ndarray, columns: np.ndarray, weights: np.ndarray) -> None:
        self._starts = torch.from_numpy(indptr[:-1].astype(np.int64))
        self._columns = torch.from_numpy(columns.astype(np.int64))
        self._weights = torch.from_numpy(weights.astype(np.float32))

    def __matmul__(self, dense: Tensor) -> Tensor:
        return functional.embedding_bag(
            self._columns, dense, self._starts, mode="sum", per_sample_weights=self._weights
        )


class Graph:
    """A'A with A_ui = 1 / sqrt(|N_u| |N_i|): from items to their users and back.

    Args:
        histories: Each item of a user once.
    """

    def __init__(self, histories: Histories) -> None:
        pairs = Pairs.counted(histories)
        of_users, of_items = (np.diff(side[0]) for side in (pairs.by_user, pairs.by_item))
        self.users = _normalised(pairs.by_user, of_users, of_items)
        self.items = _normalised(pairs.by_item, of_items, of_users)

    def __call__(self, items: Tensor) -> Tensor:
        """(n_items, d) to the same shape; differentiable."""
        return torch.as_tensor(_BackAndForth.apply(items, self))  # type: ignore[no-untyped-call]  # torch's


class _BackAndForth(torch.autograd.Function):
    """A'A is symmetric, so its gradient is carried as the embeddings are."""

    @staticmethod
    def forward(ctx: Any, items: Tensor, graph: Graph) -> Tensor:
        ctx.graph = graph
        return graph.items @ (graph.users @ items)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return ctx.graph.items @ (ctx.graph.users @ gradients[0].contiguous()), None


class LightGCNNet(nn.Module):
    """E, the items' embeddings.

    Args:
        n_items: Size of the vocabulary.
        config: Width, layers.
        graph: What carries them.
        counts: (n_items,) users of each item in training.
    """

    weights: Tensor  # (n_items,) |N_i|^-1/2, 0 where nobody touched it

    def __init__(
        self, n_items: int, config: LightGCNConfig, graph: Graph, counts: np.ndarray
    ) -> None:
        super().__init__()
        self.config, self.graph = config, graph
        self.items = nn.Parameter(torch.empty(n_items, config.d))
        nn.init.normal_(self.items, std=config.sigma)
        weights = np.where(counts > 0, np.maximum(counts, 1) ** -0.5, 0).astype(np.float32)
        self.register_buffer("weights", torch.from_numpy(weights))

    def layers(self) -> Tensor:
        """(n_items, d) the items' layers 0, 2, 4 .. below K, added up."""
        layer: Tensor = self.items
        total = layer
        for _ in range(self.config.K // 2):
            layer = self.graph(layer)
            total = total + layer
        return total

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Users (n, d), items (n_items, d), and what an entry adds to its own score, (m,)."""
        asked = UserBatch.of(batch[:5])
        items = self.layers()
        entries = self.weights[asked.items] * torch.rsqrt(asked.counts.float())[asked.users]
        dropped = functional.dropout(entries, self.config.dropout, self.training)
        users = functional.embedding_bag(
            asked.items, items, asked.starts, mode="sum", per_sample_weights=dropped
        )
        norms = items.square().sum(1)
        return users, items, dropped * norms[asked.items]


class LightGCNTask:
    """Batches of users, and the loss that the config names.

    Args:
        histories: Each item of a user once.
        config: Loss, users a batch.
    """

    def __init__(self, histories: Histories, config: LightGCNConfig) -> None:
        self._bpr = config.loss == "bpr"
        touched = Touched.of(histories.users(), histories.items, histories.n_users)
        self._sampler = UniformSampler(histories.n_items, touched=touched)
        self.batches: ArrayBatches = user_batches(
            histories,
            batch_size=config.batch_size,
            seed=config.seed,
            more=self._negatives if self._bpr else None,
        )

    def _negatives(self, users: np.ndarray, rng: np.random.Generator) -> Tensor:
        """(m,) an item for each entry's user that the user has not touched."""
        return torch.from_numpy(self._sampler.draw(rng, users, 1)[:, 0])

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        """Each touched item, scored from the user's other items, against what was not touched."""
        users, items, own = net(batch)
        asked = UserBatch.of(batch[:5])
        if self._bpr:
            who = users[asked.users]
            touched = (who * items[asked.items]).sum(1) - own
            return bpr(touched, (who * items[batch[5]]).sum(1))
        scores = users @ items.T
        scores = scores.index_put((asked.users, asked.items), -own, accumulate=True)
        touched = scores[asked.users, asked.items].sum()
        everything = (asked.counts * scores.logsumexp(1)).sum()
        return torch.as_tensor((everything - touched) / len(asked.items))


def arrays_of(net: LightGCNNet) -> dict[str, np.ndarray]:
    """The items' layers and weights, copied: all that answers need."""
    with torch.no_grad():
        items = net.layers().numpy().copy()
    return {"items": items, "weights": net.weights.numpy().copy()}


def _normalised(side: tuple[Any, Any, Any], rows: np.ndarray, columns: np.ndarray) -> Hop:
    indptr, at, _ = side
    weights = 1 / np.sqrt(np.repeat(rows, rows) * columns[at].astype(np.float64))
    return Hop(indptr, at, weights)

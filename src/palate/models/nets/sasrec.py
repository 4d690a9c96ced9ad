"""SASRec's net, for learning: causal self-attention blocks over embedded items."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from palate.models.sasrec import SASRecConfig

__all__ = ["SASRecNet", "next_item_loss"]

INITIAL_STD = 0.02  # of embeddings and weights; small, so that all logits begin alike
LEAST_NORM = 1e-6


class Block(nn.Module):
    """x + Att(LN(x)), then that + FFN(LN(that)); a place sees itself and what came before.

    Args:
        d: Width.
        heads: Attention heads; divides `d`.
        dropout: Share of outputs dropped in training.
    """

    def __init__(self, d: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(d)
        self.queries_keys_values = nn.Linear(d, 3 * d)
        self.joined = nn.Linear(d, d)
        self.before_layers = nn.LayerNorm(d)
        self.first = nn.Linear(d, d)
        self.second = nn.Linear(d, d)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(n, length, d) to the same shape."""
        n, length, d = x.shape
        split = self.queries_keys_values(self.before_attention(x))
        split = split.view(n, length, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(
            split[0],
            split[1],
            split[2],
            dropout_p=self.dropout.p if self.training else 0.0,
            is_causal=True,
        )
        seen = seen.transpose(1, 2).reshape(n, length, d)
        x = x + self.dropout(self.joined(seen))
        hidden = self.dropout(functional.relu(self.first(self.before_layers(x))))
        out: Tensor = x + self.dropout(self.second(hidden))
        return out


class SASRecNet(nn.Module):
    """Item embeddings M, place embeddings P, `b` blocks and a last layer norm.

    Sequences stand at the left of their rows. Since a place sees nothing that comes later,
    what fills a row up (`n_items`, whose embedding is 0) is never seen.

    Args:
        n_items: Size of the vocabulary.
        config: Widths and rates.
    """

    def __init__(self, n_items: int, config: SASRecConfig) -> None:
        super().__init__()
        self.tau = config.tau
        self.items = nn.Embedding(n_items + 1, config.d, padding_idx=n_items)
        self.places = nn.Embedding(config.n, config.d)
        self.blocks = nn.ModuleList(
            Block(config.d, config.heads, config.dropout) for _ in range(config.b)
        )
        self.last = nn.LayerNorm(config.d)
        self.dropout = nn.Dropout(config.dropout)
        self.apply(_start)
        with torch.no_grad():
            self.items.weight[n_items] = 0.0

    def forward(self, sequences: Tensor) -> Tensor:
        """(n, length) int64 item rows to (n, length, d): what is expected after each place."""
        x = self.items(sequences) + self.places.weight[: sequences.shape[1]]
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x)
        return self.expected(self.last(x))

    def expected(self, x: Tensor) -> Tensor:
        """Of length 1 / tau where scores are cosines."""
        return x if self.tau is None else functional.normalize(x, dim=-1) / self.tau

    def outputs(self, rows: Tensor | None = None) -> Tensor:
        """(m, d) the item vectors that expectations are compared with; all items by default."""
        table: Tensor = self.items.weight[:-1] if rows is None else self.items(rows)
        return table if self.tau is None else functional.normalize(table, dim=-1, eps=LEAST_NORM)


def next_item_loss(net: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
    """Mean cross entropy of the next item at every place.

    Args:
        net: A `SASRecNet`.
        batch: Sequences (n, length) int64; the item that followed each place, likewise, -1
            where there is none; negatives (m,) int64 drawn evenly, none for all items.

    Returns:
        A scalar.
    """
    sequences, following, negatives = batch
    asked = following >= 0
    expected = net(sequences)[asked]  # (p, d)
    targets = following[asked]
    assert isinstance(net, SASRecNet)
    if not len(negatives):
        return functional.cross_entropy(expected @ net.outputs().T, targets)
    # Drawn evenly: each negative stands for n_items / m of them (the log-Q correction).
    stands_for = (net.items.num_embeddings - 1) / len(negatives)
    others = expected @ net.outputs(negatives).T + math.log(stands_for)
    others = others.masked_fill(negatives[None, :] == targets[:, None], float("-inf"))
    right = (expected * net.outputs(targets)).sum(1, keepdim=True)
    missed: Tensor = torch.logsumexp(torch.cat((right, others), 1), 1) - right[:, 0]
    return missed.mean()


def _start(module: nn.Module) -> None:
    """Normal weights of a small deviation, no biases."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=INITIAL_STD)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)

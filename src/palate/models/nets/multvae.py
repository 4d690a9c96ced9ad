"""MultVAE's net, for learning: an encoder over touched items, a sampled taste, a decoder."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from palate.data.histories import Histories
from palate.models.nets.user_batches import UserBatch, user_batches

if TYPE_CHECKING:
    from palate.models.multvae import MultVAEConfig
    from palate.train.batches import Batch, Batches

__all__ = ["MultVAENet", "arrays_of", "batches_of", "multinomial_loss"]


class MultVAENet(nn.Module):
    """q(z | x) and p(x | z); the first layer gathers the rows of touched items alone.

    Args:
        n_items: Size of the vocabulary.
        config: Widths and rates.
    """

    steps: Tensor  # () int64, taken so far: what the weight of the prior grows with

    def __init__(self, n_items: int, config: MultVAEConfig) -> None:
        super().__init__()
        self.config = config
        widths = (*config.hidden, 2 * config.K)
        self.first = nn.EmbeddingBag(n_items, widths[0], mode="sum")
        self.first_bias = nn.Parameter(torch.zeros(widths[0]))
        self.encoder = _layers(widths)
        self.decoder = _layers((config.K, *reversed(config.hidden), n_items))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        nn.init.xavier_normal_(self.first.weight)

    def forward(self, batch: UserBatch) -> tuple[Tensor, Tensor]:
        """Logits (n, n_items) of each user's items, and the divergence (n,) from the prior."""
        config = self.config
        weights = torch.rsqrt(batch.counts[batch.users].float())
        weights = functional.dropout(weights, config.dropout, self.training)
        hidden = self.first(batch.items, batch.starts, per_sample_weights=weights)
        hidden = hidden + self.first_bias
        for layer in self.encoder:
            hidden = layer(torch.tanh(hidden))
        mean, log_variance = hidden.chunk(2, dim=1)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
        if self.training:
            mean = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        return self._decoded(mean), divergence

    def _decoded(self, taste: Tensor) -> Tensor:
        out = self.decoder[0](taste)
        for layer in list(self.decoder)[1:]:
            out = layer(torch.tanh(out))
        return torch.as_tensor(out)


def multinomial_loss(net: nn.Module, batch: Batch) -> Tensor:
    """- log p(x | z) + beta_t KL(q || p), the mean over users; counts the step."""
    assert isinstance(net, MultVAENet)
    asked = UserBatch.of(batch)
    logits, divergence = net(asked)
    likelihood = logits[asked.users, asked.items].sum()
    likelihood = likelihood - (asked.counts * logits.logsumexp(1)).sum()
    config = net.config
    grown = min(1.0, float(net.steps) / config.anneal_steps) if config.anneal_steps else 1.0
    net.steps += 1
    loss = -likelihood / len(asked.counts) + config.beta * grown * divergence.mean()
    return torch.as_tensor(loss)


def batches_of(histories: Histories, config: MultVAEConfig) -> Batches:
    """All users who liked anything, `config.batch_size` a step."""
    return user_batches(histories, batch_size=config.batch_size, seed=config.seed)


def arrays_of(net: MultVAENet) -> dict[str, np.ndarray]:
    """The weights as `palate.models.multvae` reads them, copied; of 2K outputs the means' K."""
    arrays = {
        "first/weights": net.first.weight.detach().numpy().copy(),  # (n_items, width)
        "first/bias": net.first_bias.detach().numpy().copy(),
    }
    stacks = (("encoder", net.encoder), ("decoder", net.decoder))
    for name, stack in stacks:
        for at, layer in enumerate(stack):
            assert isinstance(layer, nn.Linear)
            arrays[f"{name}/{at}/weights"] = layer.weight.detach().numpy().copy()
            arrays[f"{name}/{at}/bias"] = layer.bias.detach().numpy().copy()
    means = "first" if not len(net.encoder) else f"encoder/{len(net.encoder) - 1}"
    k = net.config.K
    if means == "first":
        arrays["first/weights"] = np.ascontiguousarray(arrays["first/weights"][:, :k])
    else:
        arrays[f"{means}/weights"] = arrays[f"{means}/weights"][:k].copy()
    arrays[f"{means}/bias"] = arrays[f"{means}/bias"][:k].copy()
    return arrays


def _layers(widths: Sequence[int]) -> nn.ModuleList:
    layers = nn.ModuleList()
    for n_in, n_out in pairwise(widths):
        layer = nn.Linear(n_in, n_out)
        nn.init.xavier_normal_(layer.weight)
        nn.init.zeros_(layer.bias)
        layers.append(layer)
    return layers

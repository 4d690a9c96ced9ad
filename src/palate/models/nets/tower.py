"""Dense layers in torch, normalised by the batch; saved as plain layers that need no batch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from palate.train.dropout import dropout

__all__ = ["Tower", "arrays_of"]


class Tower(nn.Module):
    """Layers of x W' + b, batch normalisation (optional), max(0, .) and dropout.

    Sources: Ioffe and Szegedy 2015, "Batch normalization", ICML, algorithm 2 (what a trained
    one does is linear, so it is saved within W and b); Srivastava et al. 2014, "Dropout", JMLR.

    Args:
        n_in: Inputs.
        hidden: Units a layer; none gives the input back.
        dropout: Share of units that a step leaves out.
        batch_norm: Whether layers are normalised.
    """

    def __init__(
        self, n_in: int, hidden: Sequence[int], *, dropout: float, batch_norm: bool
    ) -> None:
        super().__init__()
        ends = (n_in, *hidden)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(ends))
        self.norms = nn.ModuleList(nn.BatchNorm1d(b) for b in hidden if batch_norm)
        self.dropout = dropout
        self.n_out = ends[-1]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, n_in) to (n, n_out)."""
        for at, layer in enumerate(self.layers):
            x = layer(x)
            if len(self.norms):
                x = _normalised(x, self.norms[at])
            x = functional.relu(x, inplace=True)
            x = dropout(x, self.dropout, training=self.training)
        return x

    def arrays(self) -> dict[str, np.ndarray]:
        """`hidden.I.weight` and `hidden.I.bias` of each layer, normalisation within them."""
        out = {}
        for at, layer in enumerate(self.layers):
            assert isinstance(layer, nn.Linear)
            weight, bias = layer.weight.double(), layer.bias.double()
            if len(self.norms):
                norm = self.norms[at]
                assert isinstance(norm, nn.BatchNorm1d)
                assert norm.running_mean is not None
                assert norm.running_var is not None
                scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
                weight = weight * scale[:, None]
                bias = (bias - norm.running_mean.double()) * scale + norm.bias.double()
            out[f"hidden.{at}.weight"] = weight.detach().float().numpy()
            out[f"hidden.{at}.bias"] = bias.detach().float().numpy()
        return out


def arrays_of(layer: nn.Linear, name: str) -> dict[str, np.ndarray]:
    """`NAME.weight`, and `NAME.bias` where the layer has one."""
    found = {f"{name}.weight": layer.weight.detach().numpy().copy()}
    if layer.bias is not None:
        found[f"{name}.bias"] = layer.bias.detach().numpy().copy()
    return found


def _normalised(x: torch.Tensor, norm: nn.Module) -> torch.Tensor:
    """By the batch; a batch of one has no spread and is normalised by what was met so far."""
    assert isinstance(norm, nn.BatchNorm1d)
    if len(x) > 1 or not norm.training:
        normalised: torch.Tensor = norm(x)
        return normalised
    return functional.batch_norm(
        x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
    )

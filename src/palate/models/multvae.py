r"""MultVAE: a taste drawn from what a user touched, from which all touched items come.

    x_u in {0, 1}^n_items,        x'_u = dropout(x_u / |x_u|)
    q(z_u | x_u) = N(mu(x'_u), diag sigma^2(x'_u)),        p(z) = N(0, I)
    p(x_u | z_u) = Mult(N_u, softmax(f(z_u)))
    loss(u) = - sum over touched i of log softmax(f(z_u))_i + beta_t KL(q(z_u | x_u) || p(z))

f, mu and log sigma^2 are nets with tanh between layers; beta_t grows from 0 to beta within
`anneal_steps` steps. A user is answered with z = mu: score(u, i) = f(mu(x_u))_i, a log odds.

A new user is scored from the history; an item that nobody touched comes last, and needs a
refit to be known.

Source: Liang, Krishnan, Hoffman and Jebara 2018, "Variational autoencoders for collaborative
filtering", WWW, sections 2.1 (multinomial likelihood), 2.2.2 (annealing), 2.4 (Mult-VAE^PR)
and 4.3 (one hidden layer of 600, 200 dimensions, dropout 0.5). On small data a net without
hidden layer and with small batches is better, and is the default here.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field
from scipy.sparse import csr_array

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.models.config import Choice, Dimension, Range
from palate.models.deep import Arrays, Course, Deep, DeepConfig, alike
from palate.models.runtime.dense import Dense
from palate.types import Float32Array, FloatArray, Int32Array

__all__ = ["MultVAE", "MultVAEConfig"]


class MultVAEConfig(DeepConfig):
    """MultVAE's hyperparameters. The defaults suit MovieLens."""

    K: int = Field(default=200, ge=1, le=4096, description="K, dimensions of a taste.")
    hidden: tuple[int, ...] = Field(
        default=(),
        description="Widths of the layers from items to taste, and back in reverse; (600,) there.",
    )
    dropout: float = Field(
        default=0.5, ge=0, lt=1, description="Share of a user's items hidden in each step."
    )
    beta: float = Field(
        default=0.2, ge=0, le=1, description="beta, the weight of the prior when it is grown."
    )
    anneal_steps: int = Field(
        default=2000, ge=0, description="T, steps in which it grows from 0; 0: from the start."
    )
    epochs: int = Field(default=100, ge=1, description="Most passes over all users.")
    batch_size: int = Field(default=100, ge=1, description="Users a step.")
    patience: int = Field(
        default=10, ge=0, description="Epochs without a better NDCG before it stops; 0 never stops."
    )

    space: ClassVar[dict[str, Dimension]] = {
        "K": Choice((64, 128, 200, 400)),
        "hidden": Choice(((), (600,))),
        "dropout": Range(0.2, 0.8),
        "beta": Range(0.05, 1.0, log=True),
        "learning_rate": Range(3e-4, 3e-3, log=True),
    }


class MultVAE(Deep[MultVAEConfig]):
    """All items of a user at once, from a taste in few dimensions."""

    name = "multvae"
    Config = MultVAEConfig
    parallel = True
    capabilities = frozenset({"similar_items"})

    _first: tuple[Float32Array, Float32Array]  # (n_items, width), (width,)
    _layers: list[Dense]

    def _course(self, histories: Histories, dataset: Dataset) -> Course:
        from palate.models.nets import multvae as nets
        from palate.train.seeds import seeded

        with seeded(self.config.seed):
            net = nets.MultVAENet(histories.n_items, self.config)
        return Course(
            net,
            nets.multinomial_loss,
            nets.batches_of(histories, self.config),
            lambda: nets.arrays_of(net),
        )

    def _keep(self, arrays: Arrays) -> None:
        self._first = arrays["first/weights"], arrays["first/bias"]
        depth = len(self.config.hidden)
        names = [f"encoder/{at}" for at in range(depth)] + [
            f"decoder/{at}" for at in range(depth + 1)
        ]
        self._layers = [Dense.of(arrays[f"{n}/weights"], arrays[f"{n}/bias"]) for n in names]

    def _scores(self, histories: Histories) -> FloatArray:
        weights, bias = self._first
        counts = np.diff(histories.indptr)
        per_entry = (1 / np.sqrt(np.maximum(counts, 1))).astype(np.float32)
        shape = (histories.n_users, histories.n_items)
        entries = np.repeat(per_entry, counts)
        x = csr_array((entries, histories.items, histories.indptr), shape=shape)
        out: Float32Array = np.asarray(x @ weights, np.float32) + bias
        for at, layer in enumerate(self._layers):
            # The taste itself, between encoder and decoder, goes on as it is.
            out = layer(out if at == len(self.config.hidden) else np.tanh(out))
        return out

    def _similar_rows(self, items: Int32Array) -> FloatArray:
        """Cosines of what the decoder's last layer asks of a user to show each item."""
        depth = len(self.config.hidden)
        vectors = self._arrays[f"decoder/{depth}/weights"] * self._known[:, None]
        return alike(vectors, items)

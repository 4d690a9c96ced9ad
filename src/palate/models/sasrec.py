r"""SASRec: self-attention over what a user did, in its order, says what comes next.

    x_t = M[item_t] + P_t                              the last n items, t = 1 ... n
    x = x + Att(LN(x)), x = x + FFN(LN(x))             b times; place t sees places 1 to t
    score(u, j) = e_u . M_j,  e_u = LN(x) at the last place

with one table M of item embeddings for what goes in and what comes out. All places of a
history learn at once, each to name the item that followed it.

Source: Kang and McAuley 2018, "Self-attentive sequential recommendation", ICDM, section III.
Different here: the loss is cross entropy over all items, or over `negatives` drawn evenly,
instead of binary cross entropy with one negative, since that is what its accuracy hangs on
(Klenitskiy and Vasilev 2023, "Turning dross into gold loss", RecSys; for the correction of
drawn negatives Jean et al. 2015, ACL, section 3); layer norms stand before their layers with
nothing normalised between; with `tau` scores are cosines divided by a temperature (Hou et al.
2022, "CORE", SIGIR, section 3.3).

A user is folded in by one pass over the history, known or not: nothing of a user is kept.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from palate._optional import require
from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.models.config import Choice, Dimension, Range
from palate.models.latent import Latent
from palate.models.newest import newest_liked
from palate.models.runtime.attention import causal_attention
from palate.models.runtime.dense import Dense
from palate.models.runtime.layer_norm import layer_norm
from palate.models.sequences import Sequences
from palate.train.settings import TrainConfig
from palate.types import Float32Array, Int32Array, Progress

__all__ = ["SASRec", "SASRecConfig"]

PLACES_AT_ONCE = 1 << 14  # histories times their length while folding in
BLOCK_LAYERS = ("queries_keys_values", "joined", "first", "second")


class SASRecConfig(TrainConfig):
    """SASRec's hyperparameters."""

    batch_size: int = Field(default=1024, ge=1, description="Places a step.")
    d: int = Field(default=64, ge=1, le=1024, description="d, width of embeddings and layers.")
    n: int = Field(default=50, ge=1, le=1000, description="n, the newest items that are seen.")
    b: int = Field(default=2, ge=1, le=12, description="b, blocks of attention and layers.")
    heads: int = Field(default=2, ge=1, description="Attention heads a block; divides d.")
    dropout: float = Field(default=0.3, ge=0, lt=1, description="Share dropped while learning.")
    tau: float | None = Field(
        default=None, gt=0, description="tau: scores are cosines / tau; None: inner products."
    )
    negatives: int = Field(
        default=1024,
        ge=0,
        description="Items drawn a step that the right one is compared with; 0, or as many as "
        "there are items: all of them.",
    )
    validation: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="Share of the histories (at most 2,000) whose last item decides when to "
        "stop, by NDCG@10; 0, or patience = 0, trains all epochs.",
    )
    refit: bool = Field(
        default=True, description="Then learn from all items again, for the epochs found best."
    )

    space: ClassVar[dict[str, Dimension]] = {
        "d": Choice((32, 64, 128)),
        "n": Choice((20, 50, 100)),
        "b": Choice((1, 2, 3)),
        "dropout": Range(0.1, 0.6),
        "tau": Choice((None, 0.05, 0.07, 0.1)),
        "learning_rate": Range(3e-4, 5e-3, log=True),
    }

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> SASRecConfig:
        if self.d % self.heads:
            raise ValueError(f"heads = {self.heads} does not divide d = {self.d}")
        return self


class SASRec(Latent[SASRecConfig]):
    """What comes next, by attention over the order of what came before."""

    name = "sasrec"
    Config = SASRecConfig
    capabilities = frozenset({"similar_items"})

    _layers: dict[str, np.ndarray]  # all but the item table, by torch's names
    _dense: dict[str, Dense]

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        require("torch", extra="train")
        from palate.models.nets.sasrec_fit import learn

        sequences = Sequences.of(dataset.histories, None)
        self._set_layers(learn(sequences, self.config, progress))

    def _fold_in(self, histories: Histories) -> Float32Array:
        """(n, d) float32: what is expected next; 0 for a history without a liked item."""
        newest, lengths = newest_liked(histories, self.config.n)
        out = np.zeros((histories.n_users, self.config.d), np.float32)
        for length in np.unique(lengths[lengths > 0]):
            users = np.flatnonzero(lengths == length)
            step = max(1, PLACES_AT_ONCE // int(length))
            for start in range(0, len(users), step):
                part = users[start : start + step]
                out[part] = self._expected(newest[part, -length:])
        return out

    def _expected(self, items: Int32Array) -> Float32Array:
        """(n, d) float32 after (n, length) item rows, oldest first."""
        layers, b = self._layers, self.config.b
        x = self._inputs[items] + layers["places.weight"][: items.shape[1]]
        for at in range(b):
            name, is_last = f"blocks.{at}", at == b - 1
            seen = causal_attention(
                self._norm(x, f"{name}.before_attention"),
                self._dense[f"{name}.queries_keys_values"],
                heads=self.config.heads,
                last_only=is_last,
            )
            x = (x[:, -1:] if is_last else x) + self._dense[f"{name}.joined"](seen)
            hidden = self._dense[f"{name}.first"](self._norm(x, f"{name}.before_layers"))
            x = x + self._dense[f"{name}.second"](np.maximum(hidden, 0))
        return self._scaled(self._norm(x[:, 0], "last"))

    def _scaled(self, expected: Float32Array) -> Float32Array:
        """Of length 1 / tau where scores are cosines."""
        if self.config.tau is None:
            return expected
        norms = np.sqrt(np.einsum("nd,nd->n", expected, expected))
        unit: Float32Array = expected / np.maximum(norms, 1e-12)[:, None]
        return unit / np.float32(self.config.tau)

    def _norm(self, x: Float32Array, name: str) -> Float32Array:
        return layer_norm(x, self._layers[f"{name}.weight"], self._layers[f"{name}.bias"])

    def _set_layers(self, state: dict[str, np.ndarray]) -> None:
        """Take what `learn` gave: `items.weight` (n_items, d) and the layers.

        Raises:
            KeyError: An array is missing.
            ValueError: They are of another config.
        """
        inputs = state.pop("items.weight")
        table = (self.config.n, self.config.d)
        if inputs.shape[1:] != table[1:] or state["places.weight"].shape != table:
            raise ValueError(f"arrays for n, d = {state['places.weight'].shape}, not {table}")
        outputs = inputs
        if self.config.tau is not None:
            norms = np.sqrt(np.einsum("id,id->i", inputs, inputs))
            outputs = inputs / np.maximum(norms, 1e-6)[:, None]
        self._set_items(outputs)
        self._inputs = inputs
        self._layers = state
        names = [f"blocks.{at}.{layer}" for at in range(self.config.b) for layer in BLOCK_LAYERS]
        self._dense = {
            name: Dense.of(state[f"{name}.weight"], state[f"{name}.bias"]) for name in names
        }

    def _state(self) -> dict[str, np.ndarray]:
        return {"items.weight": self._inputs, **self._layers}

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        self._set_layers(state)

r"""LightGCN: embeddings carried over the graph of users and items, and nothing else.

    e_u^(k+1) = sum_{i in N_u} e_i^(k) / sqrt(|N_u| |N_i|)
    e_i^(k+1) = sum_{u in N_i} e_u^(k) / sqrt(|N_u| |N_i|)
    e = sum_{k = 0 .. K} e^(k),        score(u, i) = e_u . e_i

The paper learns e_u^(0) too. Here it is 0, and e_i^(0) alone is learned, so that a user is what
the graph carries there from the items touched, a stranger like anyone else: items have even
layers, users odd ones, and for odd K

    e_i = sum_{k = 0, 2 .. K - 1} ((A'A)^(k/2) E)_i,    e_u = sum_{i in N_u} e_i / sqrt(|N_u| |N_i|)

A touched item is learned from the user's other items: what it adds to its own score is taken
off. The loss is that of BPR, as in the paper, or (`softmax`) the multinomial likelihood of all
a user's items, which needs far fewer steps and is more accurate. An item that nobody touched
comes last, and needs a refit to be known.

Source: He, Deng, Wang, Li, Zhang and Wang 2020, "LightGCN: simplifying and powering graph
convolution network for recommendation", SIGIR, section 3.1 (equations 3 to 5) and 3.3
(BPR, equation 15); the likelihood: Liang et al. 2018, WWW, equation 2.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator
from scipy.sparse import csr_array

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.models.config import Choice, Dimension, Range
from palate.models.deep import Arrays, Course, Deep, DeepConfig, alike
from palate.models.runtime.dense import Dense
from palate.types import Float32Array, FloatArray, Int32Array

__all__ = ["LightGCN", "LightGCNConfig"]


class LightGCNConfig(DeepConfig):
    """LightGCN's hyperparameters. The defaults suit MovieLens."""

    K: int = Field(default=3, ge=1, le=9, description="K, layers; odd.")
    d: int = Field(default=64, ge=1, le=1024, description="d, width of an embedding.")
    loss: Literal["softmax", "bpr"] = Field(
        default="softmax",
        description="`softmax`: all items at once, n_items scores for each user of a step; "
        "`bpr`: one drawn item beside each touched one.",
    )
    dropout: float = Field(
        default=0.0, ge=0, lt=1, description="Share of a user's items hidden in each step."
    )
    sigma: float = Field(default=0.1, gt=0, description="Deviation that embeddings start with.")
    batch_size: int = Field(default=256, ge=1, description="Users a step, with all they touched.")
    learning_rate: float = Field(default=1e-2, gt=0, description="Of Adam.")
    weight_decay: float = Field(
        default=0.1, ge=0, description="Of the embeddings, decoupled from the gradient (AdamW)."
    )
    epochs: int = Field(default=60, ge=1, description="Most passes over all users.")
    patience: int = Field(
        default=5, ge=0, description="Epochs without a better NDCG before it stops; 0 never stops."
    )

    space: ClassVar[dict[str, Dimension]] = {
        "K": Choice((1, 3, 5)),
        "d": Choice((32, 64, 128, 256)),
        "dropout": Range(0.0, 0.7),
        "batch_size": Choice((128, 256, 512)),
        "learning_rate": Range(1e-3, 3e-2, log=True),
        "weight_decay": Range(1e-4, 1.0, log=True),
    }

    @field_validator("K")
    @classmethod
    def _check_layers(cls, K: int) -> int:
        if K % 2 == 0:
            raise ValueError(f"K is {K}: items have even layers and users odd ones, so K is odd")
        return K


class LightGCN(Deep[LightGCNConfig]):
    """Who touched what touched items share, some steps along the graph."""

    name = "lightgcn"
    Config = LightGCNConfig
    parallel = True
    capabilities = frozenset({"similar_items", "explain"})

    _items: Float32Array  # (n_items, d) e
    _weights: Float32Array  # (n_items,) |N_i|^-1/2
    _packed: Dense

    def _course(self, histories: Histories, dataset: Dataset) -> Course:
        from palate.models.nets import lightgcn as nets
        from palate.train.seeds import seeded

        counts = np.bincount(histories.items, minlength=histories.n_items)
        graph = nets.Graph(histories)
        with seeded(self.config.seed):
            net = nets.LightGCNNet(histories.n_items, self.config, graph, counts)
        task = nets.LightGCNTask(histories, self.config)
        return Course(net, task.loss, task.batches, lambda: nets.arrays_of(net))

    def _keep(self, arrays: Arrays) -> None:
        self._items, self._weights = arrays["items"], arrays["weights"]
        self._packed = Dense.of(self._items)

    def _entry_weights(self, histories: Histories) -> Float32Array:
        """(len(histories),) 1 / sqrt(|N_u| |N_i|)."""
        counts = np.diff(histories.indptr)
        per_user = (np.maximum(counts, 1) ** -0.5).astype(np.float32)
        weights: Float32Array = np.repeat(per_user, counts) * self._weights[histories.items]
        return weights

    def _scores(self, histories: Histories) -> FloatArray:
        entries = self._entry_weights(histories)
        shape = (histories.n_users, histories.n_items)
        users = csr_array((entries, histories.items, histories.indptr), shape=shape) @ self._items
        return self._packed(np.asarray(users, np.float32))

    def _similar_rows(self, items: Int32Array) -> FloatArray:
        return alike(self._items, items)

    def _contributions(self, history: Histories, item: int) -> FloatArray:
        # The first entry of each liked item speaks, the others do not.
        usable = self._usable(history)
        added = np.zeros(len(history), np.float32)
        products = self._items[usable.items] @ self._items[item]
        first = {int(row): at for at, row in reversed(list(enumerate(history.items)))}
        at = [first[int(row)] for row in usable.items]
        added[at] = self._entry_weights(usable) * products
        return added

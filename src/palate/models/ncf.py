r"""NCF: what a user and an item have in common, by a product, by layers, or by both.

    p_u = (|H|)^-alpha sum_{j in H} y_j        H: what u touched, without i when i is learned
    GMF:    phi_G = p_u * q_i                                  factor by factor
    MLP:    phi_M = a(W_L(... a(W_1 [p_u, q_i] + b_1) ...) + b_L),        a = max(0, .)
    NeuMF:  phi = [phi_G, phi_M], each with embeddings of its own
    score(u, i) = h . phi + b,        P(u touches i) = 1 / (1 + exp(-score))

Learned by log loss, each touched item beside `negatives` others of the catalogue. NeuMF starts
from a GMF and an MLP trained before for `pretrain_epochs` each, with half of the weights h of
either, and goes on with Adam (there: with plain gradient steps).

The paper describes a user by an identity and allows for others, neighbours among them (section
3.1); here it is always the items touched (Kabbur, Ning and Karypis 2013, "FISM", KDD, equation
5), so that no user has a row and everybody is answered from the history. An item that nobody
touched comes last, and needs a refit to be known.

Source: He, Liao, Zhang, Nie, Hu and Chua 2017, "Neural collaborative filtering", WWW, sections
3.1 (log loss, equation 7), 3.2 (GMF), 3.3 (MLP) and 3.4 (NeuMF, pre-training).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from scipy.sparse import csr_array

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.models.config import Choice, Dimension, Range
from palate.models.deep import Arrays, Course, Deep, DeepConfig, alike
from palate.models.runtime.dense import Dense
from palate.models.runtime.pair_tower import PairTower
from palate.models.runtime.tower import layer_of
from palate.types import Float32Array, FloatArray, Int32Array

if TYPE_CHECKING:
    from palate.models.nets.ncf import NCFNet
    from palate.train.batches import Batches

__all__ = ["NCF", "NCFConfig"]


class NCFConfig(DeepConfig):
    """NCF's hyperparameters. The defaults suit MovieLens."""

    parts: Literal["gmf", "mlp", "neumf"] = Field(default="neumf", description="Which net.")
    d: int = Field(default=32, ge=1, le=1024, description="Factors of GMF.")
    layers: tuple[int, ...] = Field(
        default=(64, 32, 16),
        min_length=2,
        description="Widths of MLP, the first of both embeddings together, so even.",
    )
    alpha: float = Field(
        default=0.5, ge=0, le=1, description="alpha, a history of n items weighs n^-alpha."
    )
    negatives: int = Field(default=4, ge=1, le=100, description="Drawn for each touched item.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Between the layers of MLP.")
    sigma: float = Field(default=0.1, gt=0, description="Deviation that embeddings start with.")
    pretrain_epochs: int = Field(
        default=5, ge=0, description="Of GMF and of MLP before NeuMF; 0 starts it at random."
    )
    batch_size: int = Field(
        default=32, ge=1, description="Users a step, with all they touched and the negatives."
    )
    learning_rate: float = Field(default=5e-3, gt=0, description="Of Adam.")
    weight_decay: float = Field(
        default=0.1, ge=0, description="Of all weights, decoupled from the gradient (AdamW)."
    )
    epochs: int = Field(default=40, ge=1, description="Most passes over all users.")

    space: ClassVar[dict[str, Dimension]] = {
        "d": Choice((16, 32, 64, 128)),
        "layers": Choice(((32, 16, 8), (64, 32, 16), (128, 64, 32))),
        "alpha": Range(0.0, 1.0),
        "negatives": Choice((4, 8)),
        "learning_rate": Range(3e-4, 1e-2, log=True),
        "weight_decay": Range(1e-4, 1.0, log=True),
    }

    @model_validator(mode="after")
    def _check_layers(self) -> Self:
        if min(self.layers) < 1 or self.layers[0] % 2:
            raise ValueError(f"layers are {self.layers}: widths are above 0, the first is even")
        return self


class NCF(Deep[NCFConfig]):
    """Generalised factors and layers over a user's and an item's embeddings."""

    name = "ncf"
    Config = NCFConfig
    parallel = True
    capabilities = frozenset({"similar_items"})

    _gmf: tuple[Float32Array, Dense] | None  # (n_items, d) touched; h * q packed
    _mlp: tuple[Float32Array, Dense, PairTower] | None  # touched; the first layer's user side
    _bias: np.float32

    # ------------------------------------------------------------------ fit

    def _course(self, histories: Histories, dataset: Dataset) -> Course:
        from palate.models.nets import ncf as nets
        from palate.train.seeds import seeded

        batches = nets.batches_of(histories, self.config)
        with seeded(self.config.seed):
            net = self._net(histories.n_items, batches)
        return Course(net, nets.click_loss, batches, lambda: nets.arrays_of(net))

    def _net(self, n_items: int, batches: Batches) -> NCFNet:
        from palate.models.nets import ncf as nets
        from palate.train.loop import train

        config = self.config
        gmf = None if config.parts == "mlp" else nets.GMF(n_items, config)
        mlp = None if config.parts == "gmf" else nets.MLP(n_items, config)
        if gmf is None or mlp is None or config.pretrain_epochs == 0:
            return nets.NCFNet(gmf, mlp)
        before = config.model_copy(update={"epochs": config.pretrain_epochs})
        alone = nets.NCFNet(gmf, None), nets.NCFNet(None, mlp)
        for net in alone:
            train(net, nets.click_loss, batches, before)
        return nets.joined(*alone)

    # ------------------------------------------------------------------ answers

    def _keep(self, arrays: Arrays) -> None:
        h = arrays["out.weight"]
        self._bias = arrays["out.bias"][0]
        self._gmf = self._mlp = None
        if "gmf.sides.items.weight" in arrays:
            q = arrays["gmf.sides.items.weight"]
            h_gmf, h = h[:, : q.shape[1]], h[:, q.shape[1] :]
            self._gmf = arrays["gmf.sides.touched.weight"], Dense.of(q * h_gmf)
        if "mlp.sides.items.weight" in arrays:
            items = layer_of(arrays, "mlp.item")(arrays["mlp.sides.items.weight"])
            names = [f"mlp.layers.{at}" for at in range(len(self.config.layers) - 2)]
            rest = [(arrays[f"{name}.weight"], arrays[f"{name}.bias"]) for name in names]
            touched = arrays["mlp.sides.touched.weight"]
            tower = PairTower.of(items, rest, h)
            self._mlp = touched, layer_of(arrays, "mlp.user"), tower

    def _scores(self, histories: Histories) -> FloatArray:
        counts = np.diff(histories.indptr)
        per_user = (np.maximum(counts, 1.0) ** -self.config.alpha).astype(np.float32)
        shape = (histories.n_users, histories.n_items)
        entries = np.repeat(per_user, counts)
        x = csr_array((entries, histories.items, histories.indptr), shape=shape)
        out = np.full(shape, self._bias, np.float32)
        if self._gmf is not None:
            touched, items = self._gmf
            out += items(np.asarray(x @ touched, np.float32))
        if self._mlp is not None:
            touched, first, tower = self._mlp
            tower.add_to(out, first(np.asarray(x @ touched, np.float32)))
        return out

    def _similar_rows(self, items: Int32Array) -> FloatArray:
        """Cosines of the items' embeddings, those of both parts side by side."""
        names = [name for name in self._arrays if name.endswith("sides.items.weight")]
        vectors = np.hstack([self._arrays[name] for name in sorted(names)])
        return alike(vectors * self._known[:, None], items)

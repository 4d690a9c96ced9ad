r"""ItemKNN: the nearest neighbours of each item by the users they share.

    S_ij = x_i' x_j / (|x_i| * |x_j| + h)     over weighted columns x_i, K best j for each i
    score(u, j) = sum over the items i of u of r_ui * S_ij

Weighting of x_ui = r_ui, where an item is a document and its users are the terms:

    cosine   r_ui
    tfidf    sqrt(r_ui) * idf_u
    bm25     r_ui * (K1 + 1) / (K1 * (1 - B + B * len_i / mean len) + r_ui) * idf_u
    with idf_u = log(number of items / (1 + items of u)), len_i = sum over users of r_ui

BM25 weights are compared by their inner product, without norms and h, as `implicit` does:
its length normalisation takes their place.

Sources: Sarwar et al. 2001, "Item-based collaborative filtering" (cosine); Deshpande and
Karypis 2004 (K nearest); Ferrari Dacrema et al. 2019, section 3.1 (shrink term h, feature
weighting); Robertson and Zaragoza 2009 (BM25).
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.models.config import Choice, Dimension, ModelConfig, Range
from palate.models.item_to_item import ItemToItem
from palate.models.pairs import Pairs, positive_pairs
from palate.models.similarity import Formula, compare_nearest
from palate.types import Float64Array, Int64Array, Progress

__all__ = ["ItemKNN", "ItemKNNConfig"]


class ItemKNNConfig(ModelConfig):
    """ItemKNN's hyperparameters."""

    weighting: Literal["cosine", "tfidf", "bm25"] = Field(
        default="tfidf", description="How x_ui is made of what u did with i."
    )
    K: int = Field(default=100, ge=1, description="Neighbours kept for each item.")
    h: float = Field(default=0.0, ge=0, description="Shrink term of cosine and tfidf.")
    K1: float = Field(default=1.2, ge=0, description="BM25: how soon a large r_ui saturates.")
    B: float = Field(default=0.75, ge=0, le=1, description="BM25: how much length counts.")
    binary: bool = Field(
        default=True, description="r_ui = 1 for every pair with a positive sum; else that sum."
    )

    space: ClassVar[dict[str, Dimension]] = {
        "weighting": Choice(("cosine", "tfidf", "bm25")),
        "K": Range(20, 500, log=True, integer=True),
        "h": Choice((0.0, 5.0, 20.0, 100.0)),
        "K1": Range(0.5, 100.0, log=True),
        "B": Range(0.0, 1.0),
    }


class ItemKNN(ItemToItem[ItemKNNConfig]):
    """Items whose users also touched what this user touched."""

    name = "itemknn"
    Config = ItemKNNConfig

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        pairs = Pairs.positive(dataset.histories, binary=self.config.binary)
        weighted = _weighted(pairs, self.config)
        formula = _formula(weighted, self.config)
        self._similarity = compare_nearest(weighted, formula, self.config.K, progress)

    def _entry_weights(self, histories: Histories) -> Float64Array:
        return positive_pairs(histories, binary=self.config.binary)


def _weighted(pairs: Pairs, config: ItemKNNConfig) -> Pairs:
    """The same pairs with x_ui for r_ui."""
    if config.weighting == "cosine":
        return pairs
    indptr, items, r = pairs.by_user
    per_user = np.diff(indptr)
    idf = np.repeat(np.log(pairs.n_items / (1.0 + per_user)), per_user)
    if config.weighting == "tfidf":
        x = np.sqrt(r) * idf
    else:
        length = np.bincount(items, r, minlength=pairs.n_items)
        norm = 1.0 - config.B + config.B * length / length.mean()
        x = r * (config.K1 + 1.0) / (config.K1 * norm[items] + r) * idf
    return Pairs.of(indptr, items, x, pairs.n_items)


def _formula(pairs: Pairs, config: ItemKNNConfig) -> Formula:
    norms = pairs.norms()
    plain = config.weighting == "bm25"

    def similarity(product: Float64Array, i: Int64Array, j: Int64Array) -> Float64Array:
        with np.errstate(invalid="ignore"):  # 0 / 0 of items whose users all weigh 0
            found = product if plain else product / (norms[i] * norms[j] + config.h)
        return np.where(i == j, np.nan, found)  # an item is not its own neighbour

    return similarity

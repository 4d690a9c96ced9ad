r"""DeepFM: a factorisation machine and dense layers over the same embeddings.

    y = w0 + sum_i w_i x_i + sum_{i<j} <e_i, e_j> + h' MLP([e_1, ..., e_f, z])

e_j is the embedding of field j, the weighted sum of its entries' vectors; z the standardised
numbers. A click's probability is 1 / (1 + exp(-y)). The factorisation machine learns what any
two fields say together, the dense layers what more of them do; no feature is made by hand.

Two entries of one field (several values, two knots of a number) do not interact, as fields do.

Source: Guo et al. 2017, "DeepFM: a factorization-machine based neural network for CTR
prediction", IJCAI, equations 1 to 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from palate.features.columns import Encoded
from palate.models.click_shape import Shape
from palate.models.deep_click import Arrays, DeepClick, DeepClickConfig, Scorer
from palate.models.runtime.dense import mlp
from palate.models.runtime.embedding import look_up, pairs
from palate.models.runtime.tower import layer_of, layers_of
from palate.types import Float32Array

if TYPE_CHECKING:
    from palate.models.nets.click_net import ClickNet

__all__ = ["DeepFM", "DeepFMConfig"]


class DeepFMConfig(DeepClickConfig):
    """DeepFM's hyperparameters: those of all deep click models."""


class DeepFM(DeepClick[DeepFMConfig]):
    """Pairs of columns count as in FM, and whatever more dense layers find."""

    name = "deepfm"
    Config = DeepFMConfig

    def _net(self, shape: Shape) -> ClickNet:
        from palate.models.nets.deepfm import DeepFMNet

        return DeepFMNet(shape, self.config)

    def _scorer(self, arrays: Arrays) -> Scorer:
        layers = [*layers_of(arrays, "hidden"), layer_of(arrays, "out")]
        table, bias = arrays["table"], arrays["bias"]
        numbers = self.config.numbers

        def score(rows: Encoded) -> Float32Array:
            looked = look_up(rows, table, linear=True, numbers=numbers)
            deep = mlp(looked.flat, layers)[:, 0]
            return bias + looked.weights + pairs(looked.vectors) + deep

        return score

r"""xDeepFM: interactions of whole embeddings, of bounded order, beside a linear and a deep part.

    x0 = [e_1, ..., e_f]                                             (f, k)
    x_l[h] = sum_{i,j} W_l[h, i, j] (x_{l-1}[i] * x0[j])             (maps_l, k)
    y = w0 + sum_i w_i x_i + h' [sum over k of x_1, x_2, ...] + g' MLP([e_1, ..., e_f, z])

Layer l of the compressed interaction network (CIN) holds interactions of l + 1 fields, number by
number of their embeddings and then added up, as DeepFM holds those of two, with weights. There
is no activation between its layers (as the paper found best), and no half of the maps is split
off: all go to the output and to the next layer.

Source: Lian et al. 2018, "xDeepFM: combining explicit and implicit feature interactions for
recommender systems", KDD, equations 6 to 9 and section 4.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveInt

from palate.features.columns import Encoded
from palate.models.click_shape import Shape
from palate.models.config import Choice, Dimension
from palate.models.deep_click import Arrays, DeepClick, DeepClickConfig, Scorer
from palate.models.runtime.cin import cin_layers, interactions
from palate.models.runtime.dense import mlp
from palate.models.runtime.embedding import look_up
from palate.models.runtime.tower import layer_of, layers_of
from palate.types import Float32Array

if TYPE_CHECKING:
    from palate.models.nets.click_net import ClickNet

__all__ = ["XDeepFM", "XDeepFMConfig"]


class XDeepFMConfig(DeepClickConfig):
    """xDeepFM's hyperparameters."""

    maps: tuple[PositiveInt, ...] = Field(
        default=(16, 16), min_length=1, description="H_k, feature maps of each layer of the CIN."
    )

    space: ClassVar[dict[str, Dimension]] = {
        **DeepClickConfig.space,
        "maps": Choice(((16,), (16, 16), (32, 32))),
    }


class XDeepFM(DeepClick[XDeepFMConfig]):
    """Interactions of two, three and more columns, each order with weights of its own."""

    name = "xdeepfm"
    Config = XDeepFMConfig

    def _net(self, shape: Shape) -> ClickNet:
        from palate.models.nets.xdeepfm import XDeepFMNet

        return XDeepFMNet(shape, self.config)

    def _scorer(self, arrays: Arrays) -> Scorer:
        layers = [*layers_of(arrays, "hidden"), layer_of(arrays, "out")]
        cin, explicit = cin_layers(arrays), layer_of(arrays, "explicit")
        table, bias, numbers = arrays["table"], arrays["bias"], self.config.numbers

        def score(rows: Encoded) -> Float32Array:
            looked = look_up(rows, table, linear=True, numbers=numbers)
            found = explicit(interactions(looked.vectors, cin))[:, 0]
            return bias + looked.weights + found + mlp(looked.flat, layers)[:, 0]

        return score

r"""DCN-v2: layers that multiply by the input, and dense layers beside them or behind.

    x_0 = [e_1, ..., e_f, z]
    x_{l+1} = x_0 * (W_l x_l + b_l) + x_l        (* number by number)

Layer l holds interactions of up to l + 1 fields, each number of each embedding with a weight
of its own: DeepFM's pairs have none. With a rank r, W_l = U_l V_l' of (d, r) each, which costs
2 d r instead of d^2 steps.

    parallel: y = w0 + h' [x_L, MLP(x_0)]      stacked: y = w0 + h' MLP(x_L)

Source: Wang et al. 2021, "DCN V2: improved deep & cross network and practical lessons for
web-scale learning to rank systems", WWW, equations 1 and 2 and section 3.3; without the mixture
of low-rank experts of section 3.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from palate.features.columns import Encoded
from palate.models.click_shape import Shape
from palate.models.config import Choice, Dimension
from palate.models.deep_click import Arrays, DeepClick, DeepClickConfig, Scorer
from palate.models.runtime.cross import cross_layers, crossed
from palate.models.runtime.dense import mlp
from palate.models.runtime.embedding import look_up
from palate.models.runtime.tower import layer_of, layers_of
from palate.types import Float32Array

if TYPE_CHECKING:
    from palate.models.nets.click_net import ClickNet

__all__ = ["DCN", "DCNConfig"]


class DCNConfig(DeepClickConfig):
    """DCN-v2's hyperparameters, in the paper's symbols."""

    layers: int = Field(default=3, ge=1, le=16, description="L_c, cross layers.")
    rank: int = Field(
        default=0, ge=0, description="r, of each cross layer's weights; 0: full matrices."
    )
    structure: Literal["parallel", "stacked"] = Field(
        default="parallel", description="Dense layers beside the cross layers, or behind them."
    )

    space: ClassVar[dict[str, Dimension]] = {
        **DeepClickConfig.space,
        "layers": Choice((1, 2, 3, 4)),
        "structure": Choice(("parallel", "stacked")),
    }


class DCN(DeepClick[DCNConfig]):
    """Interactions of bounded order, learned number by number, and dense layers."""

    name = "dcn"
    Config = DCNConfig

    def _net(self, shape: Shape) -> ClickNet:
        from palate.models.nets.dcn import DCNNet

        return DCNNet(shape, self.config)

    def _scorer(self, arrays: Arrays) -> Scorer:
        config, table, bias = self.config, arrays["table"], arrays["bias"]
        crosses, deep = (
            cross_layers(arrays),
            [*layers_of(arrays, "hidden"), layer_of(arrays, "out")],
        )
        beside = layer_of(arrays, "beside") if config.structure == "parallel" else None

        def score(rows: Encoded) -> Float32Array:
            flat = look_up(rows, table, linear=False, numbers=config.numbers).flat
            last = crossed(flat, crosses)
            if beside is None:
                return bias + mlp(last, deep)[:, 0]
            return bias + beside(last)[:, 0] + mlp(flat, deep)[:, 0]

        return score

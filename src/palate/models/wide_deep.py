r"""Wide & Deep: a linear model that remembers, beside dense layers that generalise.

    y = w0 + sum_i w_i x_i + sum_c u_{h(c)} + h' MLP([e_1, ..., e_f, z])

The wide part has a weight for each value and, for each declared pair of columns, one for each
pair of their values that a row has: the paper's cross-product transformation, hashed to
`cross_buckets` rows that all crosses share. The deep part sees the embeddings e of the fields
and the standardised numbers z. Both are trained together.

Here both parts learn by Adam (the paper: FTRL with an L1 penalty for the wide one).

Source: Cheng et al. 2016, "Wide & deep learning for recommender systems", DLRS, equations 1 to 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from palate.errors import ConfigError
from palate.features.columns import ColumnSpec, Encoded
from palate.models.click_shape import Shape
from palate.models.deep_click import Arrays, DeepClick, DeepClickConfig, Scorer
from palate.models.runtime.crosses import crossed_rows
from palate.models.runtime.dense import mlp
from palate.models.runtime.embedding import embedded, look_up
from palate.models.runtime.tower import layer_of, layers_of
from palate.types import Float32Array

if TYPE_CHECKING:
    from palate.models.nets.click_net import ClickNet

__all__ = ["WideDeep", "WideDeepConfig"]


class WideDeepConfig(DeepClickConfig):
    """Wide & Deep's hyperparameters."""

    crosses: tuple[tuple[str, str], ...] = Field(
        default=(), description="Pairs of columns whose values the wide part sees together."
    )
    cross_buckets: int = Field(
        default=1 << 18, ge=1, le=1 << 28, description="Rows that all crosses share, by hash."
    )


class WideDeep(DeepClick[WideDeepConfig]):
    """What was seen together is remembered; what was not is guessed by dense layers.

    Raises:
        ConfigError: A cross names a column that there is not, or the same one twice.
    """

    name = "wide_deep"
    Config = WideDeepConfig

    def __init__(self, columns: Sequence[ColumnSpec], config: WideDeepConfig | None = None) -> None:
        super().__init__(columns, config)
        names = [spec.name for spec in self.specs]
        for pair in self.config.crosses:
            absent = [name for name in pair if name not in names]
            if absent or pair[0] == pair[1]:
                raise ConfigError(
                    f"wide_deep: the cross {pair} is not of two columns",
                    hint=f"the columns are {', '.join(names)}",
                )
        places = [[names.index(a), names.index(b)] for a, b in self.config.crosses]
        self._pairs = np.array(places, np.int64).reshape(-1, 2)

    def _extra(self, rows: Encoded) -> Encoded | None:
        if not len(self._pairs):
            return None
        return crossed_rows(rows, self._pairs, self.config.cross_buckets)

    def _net(self, shape: Shape) -> ClickNet:
        from palate.models.nets.wide_deep import WideDeepNet

        return WideDeepNet(shape, self.config)

    def _scorer(self, arrays: Arrays) -> Scorer:
        layers = [*layers_of(arrays, "hidden"), layer_of(arrays, "out")]
        table, bias, numbers = arrays["table"], arrays["bias"], self.config.numbers
        wide = arrays["crosses"] if len(self._pairs) else None

        def score(rows: Encoded) -> Float32Array:
            looked = look_up(rows, table, linear=True, numbers=numbers)
            answers = bias + looked.weights + mlp(looked.flat, layers)[:, 0]
            crosses = self._extra(rows)
            if wide is not None and crosses is not None:
                answers += embedded(crosses, wide)[:, 0, 0]
            return answers

        return score

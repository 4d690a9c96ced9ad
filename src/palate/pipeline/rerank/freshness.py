r"""Freshness: what is younger moves up, by how much is said in the settings.

key_i <- key_i + weight 2^(-age_i / half_life)
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from pydantic import Field

from palate.pipeline.filter import seconds_of
from palate.pipeline.rerank.base import order_by
from palate.pipeline.stage import Asked, Ranking, StageSettings
from palate.types import Float64Array

__all__ = ["Freshness"]

_DAY_S: Final = 86_400.0


class Freshness(StageSettings):
    """A bonus that halves with age; an item of unknown age gets none, one of the future all."""

    kind: Literal["freshness"]
    weight: float = Field(
        default=0.2, gt=0, le=10, description="Bonus of a new item; 1 is all that scores differ by."
    )
    half_life_days: float = Field(default=7.0, gt=0, description="Age at which half is left.")
    attribute: str | None = Field(
        default=None, description="A time; none: when the item last changed."
    )

    def rerank(self, ranking: Ranking, asked: Asked) -> Ranking:
        """By the raised keys."""
        born_s = self._born_s(ranking)
        age_days = np.maximum(asked.request.now_us / 1e6 - born_s, 0.0) / _DAY_S
        bonus = np.exp2(-age_days / self.half_life_days)
        keys = ranking.keys + self.weight * np.where(np.isnan(bonus), 0.0, bonus)
        return Ranking(ranking.candidates, order_by(keys), keys)

    def _born_s(self, ranking: Ranking) -> Float64Array:
        """(n,) seconds since 1970 UTC, NaN where unknown."""
        candidates = ranking.candidates
        if self.attribute is not None:
            raw = candidates.attributes.values(range(len(candidates)), self.attribute)
            return np.array([np.nan if v is None else seconds_of(v) for v in raw], np.float64)
        changed = candidates.attributes.changed_us()
        return np.where(changed > 0, changed / 1e6, np.nan)

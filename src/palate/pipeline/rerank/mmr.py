r"""Maximal marginal relevance: each place goes to what is good and unlike what stands above.

    argmax_i  lambda s_i - (1 - lambda) max_{j above} cos(x_i, x_j)

Source: Carbonell and Goldstein 1998, "The use of MMR, diversity-based reranking for reordering
documents and producing summaries", section 2; s is the score on [0, 1], x the item embedding.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from palate.pipeline.kernels.relevance import marginal
from palate.pipeline.stage import Asked, Ranking, StageSettings

__all__ = ["MaximalMarginalRelevance"]


class MaximalMarginalRelevance(StageSettings):
    """Unlike items beside each other; an item without a vector resembles nothing."""

    needs: ClassVar[tuple[str, ...]] = ("index",)

    kind: Literal["mmr"]
    trade_off: float = Field(
        default=0.7, ge=0, le=1, description="lambda: 1 keeps the order, 0 asks for variety alone."
    )
    pool: int = Field(default=500, ge=1, le=10_000, description="Best candidates to choose from.")

    def warm_up(self) -> None:
        """Load the compiled loop."""
        marginal(np.zeros((1, 1), np.float32), np.zeros(1), np.zeros(1, np.int64), 1, 0.5)

    def rerank(self, ranking: Ranking, asked: Asked) -> Ranking:
        """Half as many places again as are wanted, as spare; the rest keeps its order."""
        vectors = ranking.candidates.vectors
        if vectors is None or len(ranking.order) == 0:
            return ranking
        pool, rest = ranking.order[: self.pool], ranking.order[self.pool :]
        places = asked.k + max(asked.k // 2, 10)
        first = marginal(vectors, ranking.keys, pool, places, self.trade_off)
        return Ranking(ranking.candidates, np.concatenate((first, rest)), ranking.keys)

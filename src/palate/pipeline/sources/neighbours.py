"""Candidates nearest to the person: the user embedding searched for in the index of items."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from palate.errors import DataError
from palate.pipeline.candidate import Proposal
from palate.pipeline.sources.base import SourceSettings
from palate.pipeline.stage import Asked
from palate.types import Float32Array

__all__ = ["Neighbours", "as_query"]


class Neighbours(SourceSettings):
    """Items nearest to the user embedding; nothing for somebody without a profile."""

    needs: ClassVar[tuple[str, ...]] = ("nets", "index")

    kind: Literal["neighbours"]

    def propose(self, asked: Asked) -> Proposal | None:
        """Nearest first; the score is the index's.

        Raises:
            DataError: The embedding is not finite.
        """
        index = asked.parts.index
        if asked.user is None or index is None:
            return None
        depth = asked.depth(self.depth)
        (hits,) = index.search(
            as_query(asked.user), depth, among=asked.among, vectors=asked.reads_vectors
        )
        return Proposal(
            hits.ids,
            hits.scores,
            complete=len(hits.ids) < depth,
            vectors=hits.vectors,
            distinct=True,
        )


def as_query(user: Float32Array) -> Float32Array:
    """(1, dimension) of a user embedding.

    Raises:
        DataError: It is not finite.
    """
    if not np.isfinite(user).all():
        raise DataError("the user embedding is not finite", hint="the user net is broken")
    return user[None, :]

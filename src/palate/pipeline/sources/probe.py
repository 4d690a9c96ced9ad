"""Candidates from the lists around the person: the k-means probe, without distances."""

from __future__ import annotations

from typing import ClassVar, Literal

from palate.errors import UnsupportedError
from palate.pipeline.candidate import Proposal
from palate.pipeline.parts import Prober
from palate.pipeline.sources.base import SourceSettings
from palate.pipeline.sources.neighbours import as_query
from palate.pipeline.stage import Asked

__all__ = ["Probe"]


class Probe(SourceSettings):
    """Items of the k-means lists nearest to the user embedding: rough, wide, and cheap."""

    needs: ClassVar[tuple[str, ...]] = ("nets", "index")

    kind: Literal["probe"]

    def propose(self, asked: Asked) -> Proposal | None:
        """Those of the nearest list first.

        Raises:
            UnsupportedError: The index cannot probe.
            DataError: The embedding is not finite.
        """
        if asked.user is None:
            return None
        index: object = asked.parts.index
        if not isinstance(index, Prober):
            raise UnsupportedError(
                f"{type(index).__name__} cannot probe", hint="use the source neighbours"
            )
        depth = asked.depth(self.depth)
        (hits,) = index.probe(as_query(asked.user), depth)
        return Proposal(hits.ids, hits.scores, complete=len(hits.ids) < depth)

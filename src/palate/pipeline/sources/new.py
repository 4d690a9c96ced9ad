"""Candidates that are new: the only ones that exploration tries out."""

from __future__ import annotations

from typing import ClassVar, Literal

from palate.pipeline.candidate import Proposal
from palate.pipeline.sources.base import SourceSettings
from palate.pipeline.stage import Asked

__all__ = ["New"]


class New(SourceSettings):
    """The newest items of the catalogue."""

    needs: ClassVar[tuple[str, ...]] = ("lists",)

    kind: Literal["new"]

    def propose(self, asked: Asked) -> Proposal | None:
        """Newest first."""
        if asked.parts.lists is None:
            return None
        depth = asked.depth(self.depth)
        ids = asked.parts.lists.newest(depth)
        return Proposal(ids, complete=len(ids) < depth)

"""Candidates that most people touched."""

from __future__ import annotations

from typing import ClassVar, Literal

from palate.pipeline.candidate import Proposal
from palate.pipeline.sources.base import SourceSettings
from palate.pipeline.stage import Asked

__all__ = ["Popular"]


class Popular(SourceSettings):
    """What most people touched."""

    needs: ClassVar[tuple[str, ...]] = ("lists",)

    kind: Literal["popular"]

    def propose(self, asked: Asked) -> Proposal | None:
        """Most touched first."""
        if asked.parts.lists is None:
            return None
        depth = asked.depth(self.depth)
        ids = asked.parts.lists.popular(depth)
        return Proposal(ids, complete=len(ids) < depth)

"""What the settings of all sources have in common."""

from __future__ import annotations

from pydantic import Field

from palate.pipeline.stage import StageSettings

__all__ = ["SourceSettings"]


class SourceSettings(StageSettings):
    """A source of candidates: one entry of `sources`."""

    depth: int = Field(default=100, ge=1, le=100_000, description="Candidates it is asked for.")

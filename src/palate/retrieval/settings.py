"""The settings of the live catalogue: `[retrieval]` in `palate.toml`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from palate.config import Settings
from palate.errors import ConfigError
from palate.retrieval.index.base import Metric

__all__ = ["RetrievalSettings", "retrieval_settings"]


class RetrievalSettings(BaseModel):
    """How items become vectors, and how their index is refreshed: `[retrieval]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: int = Field(
        default=256, ge=1, le=10_000, description="Most items embedded, and not yet written."
    )
    wait_s: float = Field(
        default=0.1, gt=0, le=10, description="So long the embedder waits for a fuller batch."
    )
    poll_s: float = Field(
        default=0.1, gt=0, le=10, description="How often a replica looks for new vectors."
    )
    refresh_s: float = Field(
        default=600.0, ge=0, description="Between two snapshots of an index that changed."
    )
    recall: float = Field(
        default=0.98,
        ge=0.5,
        lt=1,
        description="Share of the true nearest that a search over lists finds; more takes longer.",
    )
    keep: int = Field(default=2, ge=2, le=100, description="Snapshots kept of each space.")
    metric: Metric = Field(default=Metric.INNER_PRODUCT, description="What nearest means.")
    both_s: float = Field(
        default=60.0,
        ge=0,
        description="So long the space before is embedded on once the new one has a snapshot.",
    )
    stagger_s: float = Field(
        default=0.5, ge=0, description="Between two workers that load the same snapshot."
    )
    sample: int = Field(
        default=64, ge=1, le=10_000, description="Items whose neighbours old and new must share."
    )
    least_share: float = Field(
        default=0.5, ge=0, le=1, description="A snapshot with fewer items, of the old, is refused."
    )
    least_overlap: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="A snapshot of the same space whose neighbours overlap less is refused.",
    )


def retrieval_settings(settings: Settings) -> RetrievalSettings:
    """The checked table `[retrieval]`.

    Raises:
        ConfigError: An unknown or impossible value.
    """
    try:
        return RetrievalSettings.model_validate(settings.retrieval)
    except ValidationError as error:
        problems = "; ".join(
            f"retrieval.{'.'.join(str(part) for part in e['loc'])}: {e['msg']}"
            for e in error.errors()
        )
        raise ConfigError(f"settings: {problems}", hint="correct [retrieval]") from error

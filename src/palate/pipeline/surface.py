"""Surfaces: named places in the product, each a pipeline in under twenty lines of settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from palate.config import Schema
from palate.errors import DataError
from palate.pipeline.budget import SHARED_STAGES, SharedStage
from palate.pipeline.filter import NO_FILTER, Filter
from palate.pipeline.naming import EXPLORE, named
from palate.pipeline.rerank import Explore, Freshness, MaximalMarginalRelevance, Spread
from palate.pipeline.sources import (
    Attributes,
    Neighbours,
    New,
    Popular,
    Probe,
    SimilarToRecent,
)

__all__ = [
    "DEFAULT_K",
    "RerankSettings",
    "SourceKinds",
    "Surface",
    "SurfaceSettings",
]

DEFAULT_K = 10

SourceKinds = Annotated[
    Neighbours | SimilarToRecent | Popular | New | Attributes | Probe, Field(discriminator="kind")
]
RerankSettings = Annotated[
    Freshness | MaximalMarginalRelevance | Spread | Explore, Field(discriminator="kind")
]

_ORDER: Final = ("freshness", "mmr", "spread", "explore")


class SurfaceSettings(BaseModel):
    """One surface in the settings file: `[surfaces.NAME]`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    alias: str | None = Field(default=None, description="Follows this alias; [serve] alias if not.")
    k: int = Field(default=DEFAULT_K, ge=1, description="Items, where a request does not say.")
    filters: dict[str, Any] = Field(
        default_factory=dict, description="What every item must be; requests can only add to it."
    )
    exclude_seen: bool = Field(default=True, description="Leave out what the user has touched.")
    sources: tuple[SourceKinds, ...] = Field(
        default=(), description="Where candidates come from; none: the release's model ranks all."
    )
    fallback: tuple[Literal["popular", "new"], ...] = Field(
        default=("popular", "new"), description="Lists that fill a slate which sources leave short."
    )
    ranked: int = Field(
        default=500, ge=1, le=10_000, description="Most candidates that are scored."
    )
    score: Literal["nets", "sources"] = Field(
        default="nets",
        description="`nets`: the rank net's probabilities; `sources`: how high sources place them.",
    )
    worth: dict[str, float] = Field(
        default_factory=dict,
        description="Worth of each outcome, negative for dislikes; none: [events] weights.",
    )
    rerank: tuple[RerankSettings, ...] = Field(
        default=(), description="Freshness, mmr, spread, explore: in this order."
    )
    budget_ms: float = Field(
        default=50.0, gt=0, description="Afterwards, stages that can be left out are skipped."
    )
    budgets_ms: dict[SharedStage, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict,
        description="Of stages that are neither sources nor rerankers; none: `budget_ms`.",
    )

    def budgets(self) -> dict[str, float]:
        """Milliseconds that each stage may take, by its name in answers, in the order of stages.

        A stage that the settings say nothing of has as much as the whole request.
        """
        whole = self.budget_ms
        sources = {n: one.budget_ms or whole for n, one in named("sources", self.sources).items()}
        rerank = {n: one.budget_ms or whole for n, one in named("rerank", self.rerank).items()}
        explore = {EXPLORE: rerank.pop(EXPLORE)} if EXPLORE in rerank else {}
        before = {"fallback": sources, "verify": rerank, "explain": explore}
        found: dict[str, float] = {}
        for name in SHARED_STAGES:
            found |= before.get(name, {})
            names = [f"{name}.{kind}" for kind in self.fallback] if name == "fallback" else [name]
            found |= dict.fromkeys(names, self.budgets_ms.get(name, whole))
        return found

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        places = [_ORDER.index(one.kind) for one in self.rerank]
        if places != sorted(places):
            kinds = ", ".join(one.kind for one in self.rerank)
            raise ValueError(f"rerank stands in the order {', '.join(_ORDER)}, not {kinds}")
        for once in ("mmr", "explore"):
            if sum(one.kind == once for one in self.rerank) > 1:
                raise ValueError(f"rerank has {once} twice")
        explores = any(one.kind == "explore" for one in self.rerank)
        if explores and all(source.kind != "new" for source in self.sources):
            raise ValueError('explore tries items of a source of kind "new", and there is none')
        if not self.sources and (self.rerank or self.worth):
            raise ValueError("rerank and worth need sources: without them the model ranks all")
        return self


@dataclass(frozen=True, slots=True)
class Surface:
    """A surface, checked and ready to answer.

    Attributes:
        alias: The release alias that it follows, or None for the service's own.
        k: Items where a request does not say.
        filter: What every item must be.
        exclude_seen: Whether to leave out what the user has touched.
        name: In the settings; empty for the one that requests without a surface get.
        max_k: Largest slate that may be asked for.
        schema: Declares attributes and event types.
        settings: As they stand in the file.
    """

    alias: str | None = None
    k: int = DEFAULT_K
    filter: Filter = NO_FILTER
    exclude_seen: bool = True
    name: str = ""
    max_k: int = 1000
    schema: Schema = field(default_factory=Schema)
    settings: SurfaceSettings = field(default_factory=SurfaceSettings)

    @property
    def has_pipeline(self) -> bool:
        """Whether stages answer; else the release's model alone does."""
        return bool(self.settings.sources)

    def wanted(self, k: int | None) -> int:
        """How many items a request that says `k` gets.

        Raises:
            DataError: None at all, or more than `max_k`.
        """
        k = self.k if k is None else k
        if not 1 <= k <= self.max_k:
            raise DataError(f"k is {k}; it is from 1 to {self.max_k}")
        return k

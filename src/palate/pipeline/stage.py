"""The stages of a pipeline: the law of each in one sentence, and what each may read.

A stage is its settings (a frozen pydantic model, one `kind` a class) with one method.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from palate.config import Schema
from palate.pipeline.candidate import Candidates, Proposal
from palate.pipeline.filter import NO_FILTER, Filter
from palate.pipeline.parts import Parts
from palate.pipeline.person import NOBODY, Person
from palate.pipeline.request import Request
from palate.types import Float32Array, Float64Array, Int64Array

__all__ = ["Asked", "Ranking", "Reranker", "Source", "StageSettings"]


class StageSettings(BaseModel):
    """What the settings of all stages have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    needs: ClassVar[tuple[str, ...]] = ()  # parts without which the stage falls back

    budget_ms: float | None = Field(
        default=None,
        gt=0,
        description="A stage that takes longer several times in a row rests for a second; none: "
        "the surface's budget.",
    )

    def warm_up(self) -> None:
        """Do what would make the first request slow, such as loading compiled loops."""


@dataclass(slots=True)
class Asked:
    """What stages read of a request.

    Attributes:
        request: The question.
        parts: What the pipeline runs on.
        schema: Declares the items' attributes.
        k: Items wanted.
        filter: What every item must be: the surface's and the request's.
        person: Who asks.
        user: (dimension,) float32, their embedding; None where there is none.
        recent: (m, dimension) float32, of the items last dealt with, newest last.
        among: Ids that sources are to choose from; None: all.
        deeper: How many times deeper than usual sources are to look.
        extra: Further candidates wanted of each source, for those that will be dropped.
        reads_vectors: Whether later stages read the candidates' vectors, so that a source which
            has them at hand is to bring them.
    """

    request: Request
    parts: Parts
    schema: Schema
    k: int
    filter: Filter = NO_FILTER
    person: Person = NOBODY
    user: Float32Array | None = None
    recent: Float32Array | None = None
    among: list[str] | None = None
    deeper: int = 1
    extra: int = 0
    reads_vectors: bool = False

    def depth(self, usual: int) -> int:
        """How many candidates a source is to give."""
        return usual * self.deeper + self.extra


@runtime_checkable
class Source(Protocol):
    """A source only adds."""

    @property
    def kind(self) -> str:
        """Its name in the settings."""
        ...

    def propose(self, asked: Asked) -> Proposal | None:
        """Candidates, best first; None where the request gives it nothing to go by."""
        ...


class Ranking(msgspec.Struct, frozen=True, eq=False):
    """Candidates and their order.

    Attributes:
        candidates: Scored.
        order: (n,) int64, a permutation of their rows, best first.
        keys: (n,) float64 by row, in [0, 1]: what the order was made from, 1 for the best
            score and 0 for the least; NaN where the score is unknown.
    """

    candidates: Candidates
    order: Int64Array
    keys: Float64Array


@runtime_checkable
class Reranker(Protocol):
    """A reranker alone reorders: it neither adds nor drops."""

    @property
    def kind(self) -> str:
        """Its name in the settings."""
        ...

    def rerank(self, ranking: Ranking, asked: Asked) -> Ranking:
        """The same candidates in another order."""
        ...

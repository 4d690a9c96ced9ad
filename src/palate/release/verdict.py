"""What the gate asks of a candidate, and what it answers."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from palate.metrics.registry import RANKING, parse
from palate.release.manifest import Metric

__all__ = ["Decision", "GateRule", "Verdict"]


class GateRule(BaseModel):
    """What a candidate must show."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    metric: str = Field(default="ndcg@10", description="A ranking metric with its cut-off.")
    require: Literal["not_worse", "better"] = Field(
        default="not_worse",
        description="`not_worse`: the interval of the difference lies above -tolerance; "
        "`better`: it lies above 0.",
    )
    tolerance: float = Field(
        default=0.05, ge=0, lt=1, description="Loss that is borne, as a share of stable's mean."
    )
    min_users: int = Field(default=100, ge=2, description="Fewer in the window decide nothing.")
    min_value: float | None = Field(
        default=None, description="Least weight of a relevant event; by default above 0."
    )
    exclude_seen: bool = Field(default=True, description="Leave out what users know.")
    level: float = Field(default=0.95, gt=0, lt=1, description="Of the intervals.")
    rounds: int = Field(default=2000, ge=100, description="Of the bootstrap over users.")
    seed: int = Field(default=42, ge=0)

    @field_validator("metric")
    @classmethod
    def _ranks(cls, text: str) -> str:
        found = parse(text)
        if found.metric.name not in RANKING:
            raise ValueError(f"{text} gives no value for each user; one of {', '.join(RANKING)}")
        return found.label


class Decision(StrEnum):
    """What the gate says."""

    PASS = "pass"
    FAIL = "fail"  # judged, and not good enough
    REFUSED = "refused"  # could not be judged; the reason says why


class Verdict(BaseModel):
    """The gate's answer with all it rests on.

    Attributes:
        decision: Pass, fail or refused.
        reason: In plain words.
        candidate: `name:version`.
        stable: What it was compared with; None for a first release.
        rule: What was asked.
        users: Judged, paired.
        window_from: Events after this moment judged.
        window_to: The newest of them.
        candidate_metric: Mean with interval.
        stable_metric: Mean with interval, over the same users.
        difference: Candidate minus stable, paired by user.
    """

    model_config = ConfigDict(frozen=True)

    decision: Decision
    reason: str
    candidate: str
    stable: str | None
    rule: GateRule
    users: int = 0
    window_from: AwareDatetime | None = None
    window_to: AwareDatetime | None = None
    candidate_metric: Metric | None = None
    stable_metric: Metric | None = None
    difference: Metric | None = None

    @property
    def passed(self) -> bool:
        """Whether the candidate may be promoted."""
        return self.decision is Decision.PASS

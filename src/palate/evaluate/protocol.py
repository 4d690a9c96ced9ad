"""The protocol: all that must be equal for two figures to be compared, as frozen data."""

from __future__ import annotations

import hashlib
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from palate.config import EvaluateSettings
from palate.data.split import AnySplitter, Given, Stratified, split_by_name
from palate.errors import ConfigError
from palate.metrics import METRICS, Family

__all__ = ["RANKING_METRICS", "Protocol"]

RANKING_METRICS: Final = ("ndcg", "map", "precision", "recall", "hit_rate", "mrr")
ACRONYMS: Final = {
    "ndcg": "NDCG",
    "ndcg_graded": "Graded NDCG",
    "map": "MAP",
    "mrr": "MRR",
    "r_precision": "R-precision",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
}


class Protocol(BaseModel):
    """How models are judged.

    Fixed, and so no field: models learn from the training part alone; every user with a
    test interaction is judged; one without predictions counts zero; the whole catalogue is
    ranked, not a sample of it; the user is the unit of every interval and test.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: AnySplitter | None = Field(
        default=Stratified(),
        description="How train and test are cut; None where the caller cut them.",
    )
    k: int = Field(default=10, ge=1, description="Places that count.")
    metrics: tuple[str, ...] = Field(
        default=RANKING_METRICS,
        min_length=1,
        description="Ranking metrics; the first one orders the models.",
    )
    min_value: float | None = Field(
        default=None,
        allow_inf_nan=False,
        description="A test item is relevant from this value on; by default every one is.",
    )
    exclude_seen: bool = Field(
        default=True, description="Items that a user has in training are not recommended."
    )
    level: float = Field(default=0.95, gt=0, lt=1, description="Of intervals and tests.")
    rounds: int = Field(default=2000, ge=1, description="Of the bootstrap.")
    seed: int = Field(default=42, ge=0, description="Of the bootstrap.")

    @field_validator("metrics")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in METRICS or METRICS[name].family is not Family.RANKING:
                known = ", ".join(n for n, m in METRICS.items() if m.family is Family.RANKING)
                raise ValueError(f"{name!r} is no ranking metric; these are: {known}")
        if len(set(names)) != len(names):
            raise ValueError(f"a metric stands twice in {names}")
        return names

    @classmethod
    def from_settings(cls, settings: EvaluateSettings) -> Protocol:
        """The protocol that `[evaluate]` of the settings describes.

        Raises:
            ConfigError: There is no such split.
        """
        split = split_by_name(settings.split, test_ratio=settings.test_ratio, seed=settings.seed)
        return cls.model_validate({"split": split, "k": settings.k, "seed": settings.seed})

    @property
    def main(self) -> str:
        """The metric that orders the models."""
        return self.metrics[0]

    @property
    def hash(self) -> str:
        """SHA-256 in hexadecimal: equal hashes, comparable figures (on equal data)."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def validation(self) -> AnySplitter:
        """How `tune` cuts a validation part out of training: as the test was cut.

        A split that a file or the caller gave says nothing about other rows, so a stratified
        one takes its place.
        """
        if self.split is None or isinstance(self.split, Given):
            return Stratified(seed=self.seed)
        return self.split

    @property
    def split_words(self) -> str:
        """The split with its settings, for people."""
        if self.split is None:
            return "given by the caller"
        fields = self.split.model_dump(mode="json", exclude={"name"}, exclude_none=True)
        inside = ", ".join(f"{key} {value}" for key, value in fields.items())
        return f"{self.split.name} ({inside})" if inside else self.split.name

    def label(self, name: str) -> str:
        """A figure's name as people write it, with the cut-off where it has one: `NDCG@10`."""
        words = self.short_label(name)
        return f"{words}@{self.k}" if name in METRICS and METRICS[name].at_k else words

    @staticmethod
    def short_label(name: str) -> str:
        """The same without a cut-off: `NDCG`."""
        return ACRONYMS.get(name, name.replace("_", " ").capitalize())

    def named_metric(self, metric: str | None) -> str:
        """`metric` if this protocol has it, the main one for None.

        Raises:
            ConfigError: The protocol does not measure it.
        """
        if metric is None:
            return self.main
        if metric not in self.metrics:
            raise ConfigError(
                f"the protocol does not measure {metric!r}", hint=f"one of {self.metrics}"
            )
        return metric

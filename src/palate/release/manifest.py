"""What a release says of itself: where it came from, how good it is, which files it has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from typing import Any, Final, Protocol

import polars as pl
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from palate import columns as c
from palate.config import Schema
from palate.data.dataset import Dataset
from palate.errors import ReleaseError
from palate.models.base import Recommender

__all__ = ["FORMAT", "DataRecord", "Estimate", "FileRecord", "Manifest", "Metric", "describe"]

FORMAT: Final = 1
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class Estimate(Protocol):
    """A metric's mean with its interval, as `palate.stats` computes them."""

    @property
    def estimate(self) -> float:
        """The mean."""
        ...

    @property
    def low(self) -> float:
        """Lower bound."""
        ...

    @property
    def high(self) -> float:
        """Upper bound."""
        ...

    @property
    def level(self) -> float:
        """Confidence, 0.95 for 95 %."""
        ...


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        from_attributes=True,
        serialize_by_alias=True,
        validate_by_name=True,
    )


class Metric(_Frozen):
    """A measured figure; the bounds are absent where no interval was computed."""

    estimate: float
    low: float | None = None
    high: float | None = None
    level: float | None = Field(default=None, gt=0, lt=1, description="0.95 for 95 %.")


class DataRecord(_Frozen):
    """What the model learned from, in counts; it names nobody."""

    name: str
    checksum: str = Field(description="SHA-256 of the dataset.")
    window_from: AwareDatetime | None = Field(description="Oldest event; absent without times.")
    window_to: AwareDatetime | None = Field(description="Newest event, included.")
    rows: int = Field(ge=0)
    users: int = Field(ge=0, description="Distinct users with at least one event.")
    items: int = Field(ge=0, description="Items that the model knows.")


class FileRecord(_Frozen):
    """One file of the bundle."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(ge=0)


class Manifest(_Frozen):
    """A release in words and figures: `manifest.json`. It holds no user ids and no user rows."""

    format: int = FORMAT
    name: str = Field(pattern=rf"^{NAME.pattern}$")
    version: int = Field(ge=1, description="Grows by name; never used twice.")
    model: str = Field(description="The model's registered name.")
    config: dict[str, Any] = Field(description="The model's hyperparameters.")
    created_at: AwareDatetime
    code_version: str = Field(description="Of Palate.")
    data: DataRecord
    continued_from: str | None = Field(
        default=None, description="`name:version` that it learned on from; absent if trained anew."
    )
    metrics: dict[str, Metric] = Field(default_factory=dict)
    protocol: str | None = Field(default=None, description="Hash of the evaluation protocol.")
    schema_: Schema = Field(alias="schema")
    files: dict[str, FileRecord] = Field(
        default_factory=dict, description="By path inside the bundle, parts joined by `/`."
    )

    @property
    def ref(self) -> str:
        """`name:version`."""
        return f"{self.name}:{self.version}"

    def to_json(self) -> str:
        """The text of `manifest.json`."""
        return self.model_dump_json(indent=2) + "\n"


def describe(
    model: Recommender[Any],
    dataset: Dataset,
    *,
    name: str,
    version: int = 1,
    metrics: Mapping[str, float | Estimate | Metric] | None = None,
    protocol: str | None = None,
    continued_from: str | None = None,
) -> Manifest:
    """The manifest of a release that is about to be written; `files` is still empty.

    Args:
        model: Fitted on `dataset`.
        dataset: What it learned from.
        name: Lower-case letters, digits, `.`, `_` and `-`; at most 64.
        version: At least 1; the registry gives the true one.
        metrics: By name (`ndcg@10`); bare figures have no interval.
        protocol: Hash of the protocol that they were measured by.
        continued_from: `name:version` that it learned on from.

    Raises:
        ReleaseError: The name is impossible, or a metric is NaN or infinite.
        NotFittedError: The model is not fitted.
    """
    check_name(name)
    return Manifest(
        name=name,
        version=version,
        model=model.name,
        config=model.config.model_dump(mode="json"),
        created_at=datetime.now(UTC),
        code_version=installed_version("palate"),
        data=_data_record(dataset, n_items=len(model.vocabulary)),
        continued_from=continued_from,
        metrics={key: _metric(key, value) for key, value in (metrics or {}).items()},
        protocol=protocol,
        schema_=dataset.schema,
    )


def check_name(name: str, *, what: str = "a release") -> None:
    """Refuse a name that could not stand in `name:version`, a path or a URL.

    Raises:
        ReleaseError: With what is allowed as its hint.
    """
    if not NAME.fullmatch(name):
        raise ReleaseError(
            f"{name!r} cannot be the name of {what}",
            hint="lower-case letters, digits, '.', '_' and '-', at most 64, no '.' or '-' first",
        )


def _metric(name: str, value: float | Estimate | Metric) -> Metric:
    try:
        if isinstance(value, int | float):
            return Metric(estimate=value)
        return Metric.model_validate(value)
    except ValidationError as error:
        raise ReleaseError(
            f"metric {name!r} is {value}, which no release can claim: {error.errors()[0]['msg']}",
            hint="leave it out, or measure it again",
        ) from error


def _data_record(dataset: Dataset, *, n_items: int) -> DataRecord:
    oldest, newest, users = dataset.interactions.select(
        pl.col(c.TIMESTAMP).min().alias("oldest"),
        pl.col(c.TIMESTAMP).max().alias("newest"),
        pl.col(c.USER_ID).n_unique().alias("users"),
    ).row(0)
    return DataRecord(
        name=dataset.name,
        checksum=dataset.checksum,
        window_from=oldest,
        window_to=newest,
        rows=len(dataset),
        users=users,
        items=n_items,
    )

"""What one feature column reads and how: declared beside the settings, saved with the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from palate.config import Attribute
from palate.types import AttributeKind

__all__ = ["ColumnSpec", "Side", "specs_of"]

Side: TypeAlias = Literal["user", "item", "context"]
Pool: TypeAlias = Literal["mean", "root", "sum"]
Part: TypeAlias = Literal["elapsed", "hour", "weekday"]
# Of these there is no table of values: a model embeds them, or they are embedded.
UNTYPED: Final = (AttributeKind.TEXT, AttributeKind.IMAGE, AttributeKind.VECTOR)


class ColumnSpec(BaseModel):
    """One field: which column of a table it reads, and what its values mean.

    The same column may be read by several fields: a time as its hour and as its weekday.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(min_length=1, description="Of the field; distinct within a set of columns.")
    kind: AttributeKind = Field(
        description="category, categories (several values), number or time; text and images "
        "need an embedder first."
    )
    source: str | None = Field(default=None, description="Column read; the name by default.")
    side: Side = Field(
        default="context", description="Whom it describes: a net for one side takes its own."
    )
    ids: Literal["vocabulary", "hashed"] = Field(
        default="vocabulary",
        description="Rows of a category: one for each value seen in training, or a hash, which "
        "gives values never seen a row too, shared with others.",
    )
    buckets: int | None = Field(
        default=None, ge=1, le=1 << 30, description="Rows of a hashed category."
    )
    min_count: int = Field(
        default=1,
        ge=1,
        description="Training rows that a value needs; rarer ones share the row of values never "
        "seen, which is learned that way.",
    )
    separator: str | None = Field(
        default=None, description="How several values in one text are split."
    )
    pool: Pool = Field(
        default="mean",
        description="Weight of each of n values: 1/n (mean), 1/sqrt(n) (root) or 1 (sum).",
    )
    scale: Literal["linear", "log"] = Field(
        default="linear", description="log: sign(x) ln(1 + |x|), for prices and counts."
    )
    bins: int | None = Field(
        default=None,
        ge=2,
        le=4096,
        description="Knots at equal shares of the training rows; a number is then its two "
        "nearest knots by nearness, which a linear model bends by. Without: one row, weighted "
        "by the standardised number.",
    )
    part: Part = Field(
        default="elapsed",
        description="Of a time: days since 1970 as a number, its hour, or its weekday.",
    )
    utc_offset_h: float = Field(
        default=0.0, ge=-24, le=24, description="Hours added before hour and weekday are read."
    )

    @model_validator(mode="after")
    def _settings_belong_together(self) -> Self:
        if self.kind in UNTYPED:
            raise ValueError(f"column {self.name!r} is {self.kind.value}: embed it first")
        if (self.ids == "hashed") != (self.buckets is not None):
            raise ValueError(f"column {self.name!r}: buckets and ids = 'hashed' go together")
        if self.ids == "hashed" and not self.is_category:
            raise ValueError(f"column {self.name!r}: only categories are hashed")
        if self.ids == "hashed" and self.min_count > 1:
            raise ValueError(f"column {self.name!r}: a hash counts nothing, so no min_count")
        return self

    @property
    def column(self) -> str:
        """The column of the table that is read."""
        return self.name if self.source is None else self.source

    @property
    def is_category(self) -> bool:
        """Whether values come from the data as one or several categories."""
        return self.kind in (AttributeKind.CATEGORY, AttributeKind.CATEGORIES)

    @property
    def is_number(self) -> bool:
        """Whether it ends as a number on a scale."""
        timed = self.kind is AttributeKind.TIME and self.part == "elapsed"
        return timed or self.kind is AttributeKind.NUMBER


def specs_of(
    attributes: Mapping[str, Attribute],
    *,
    side: Side,
    bins: int | None = None,
    min_count: int = 1,
) -> tuple[ColumnSpec, ...]:
    """A column for each attribute of the settings that is typed, in their order.

    Args:
        attributes: `schema.items` or `schema.users`.
        side: Whom they describe.
        bins: Knots of numbers and times.
        min_count: Training rows that a value of a category needs.
    """
    made = []
    for name, attribute in attributes.items():
        if attribute.kind in UNTYPED:
            continue
        spec = ColumnSpec(
            name=name,
            kind=attribute.kind,
            side=side,
            scale=attribute.scale,
            separator=attribute.separator,
        )
        change = {"bins": bins} if spec.is_number else {"min_count": min_count}
        made.append(spec.model_copy(update=change))
    return tuple(made)

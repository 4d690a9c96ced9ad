"""Splits by the names that settings use."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from pydantic import Field

from palate.data.split.base import Splitter
from palate.data.split.chronological import Chronological
from palate.data.split.cold import ColdItem, ColdUser
from palate.data.split.given import Given
from palate.data.split.global_time import GlobalTime
from palate.data.split.kfold import KFold
from palate.data.split.leave_last import LeaveLastN, LeaveOneOut
from palate.data.split.random import Random
from palate.data.split.stratified import Stratified
from palate.errors import ConfigError

__all__ = ["AnySplitter", "split_by_name", "split_names"]

AnySplitter: TypeAlias = Annotated[
    Chronological
    | ColdItem
    | ColdUser
    | Given
    | GlobalTime
    | KFold
    | LeaveLastN
    | LeaveOneOut
    | Random
    | Stratified,
    Field(discriminator="name"),
]
"""Any split, for pydantic models that hold one: told apart by its `name`."""

BY_NAME: Final[dict[str, type[Splitter]]] = {
    "chronological": Chronological,
    "cold_item": ColdItem,
    "cold_user": ColdUser,
    "global_time": GlobalTime,
    "kfold": KFold,
    "leave_last_n": LeaveLastN,
    "leave_one_out": LeaveOneOut,
    "random": Random,
    "stratified": Stratified,
}


def split_names() -> list[str]:
    """Names that `split_by_name` knows."""
    return sorted(BY_NAME)


def split_by_name(name: str, *, test_ratio: float = 0.25, seed: int = 42) -> Splitter:
    """The splitter of that name, as `[evaluate] split` in the settings means it.

    Args:
        name: One of `split_names()`; a hyphen is read as an underscore.
        test_ratio: Share of the test, for splits that have one.
        seed: For splits that draw lots.

    Raises:
        ConfigError: There is no such split.
    """
    splitter = BY_NAME.get(name.replace("-", "_"))
    if splitter is None:
        raise ConfigError(f"no split is called {name!r}", hint=f"one of {', '.join(split_names())}")
    options = {"test_ratio": test_ratio, "seed": seed}
    return splitter.model_validate({k: v for k, v in options.items() if k in splitter.model_fields})

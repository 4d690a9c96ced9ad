"""Names of a surface's stages, as answers, logs and drawings say them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

__all__ = ["EXPLORE", "named"]

EXPLORE: Final = "rerank.explore"  # stands after the last look at the store


class _Kind(Protocol):
    @property
    def kind(self) -> str: ...


S = TypeVar("S", bound=_Kind)


def named(part: str, stages: Sequence[S]) -> dict[str, S]:
    """`rerank.mmr`, and `rerank.spread.2` for the second of a kind."""
    names: dict[str, S] = {}
    for stage in stages:
        name = f"{part}.{stage.kind}"
        same = sum(one.kind == stage.kind for one in names.values())
        names[name if same == 0 else f"{name}.{same + 1}"] = stage
    return names

"""Whether an index may take the place of another: compared on a sample of items."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from palate.errors import ReleaseError
from palate.retrieval.index.base import VectorIndex
from palate.types import Float32Array

__all__ = ["Checks", "Comparison", "SnapshotRefusedError"]

_K: Final = 10  # neighbours of an item that are compared
_ENOUGH: Final = 8  # sampled items from which a share says anything
_HINT: Final = "the one before goes on answering; see what the item net gives"


class SnapshotRefusedError(ReleaseError):
    """A snapshot is whole, but what it answers is absurd."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a sample of items says.

    Attributes:
        sampled: Items that the new index holds.
        overlap: Share of their nearest 10 that both indexes name; NaN without a common item.
            Of two spaces, each is asked by the item's vector of its own space.
    """

    sampled: int
    overlap: float


@dataclass(frozen=True, slots=True)
class Checks:
    """What is asked of a new index.

    Attributes:
        least_share: Of the old one's items that it holds at least.
        least_overlap: Asked of the overlap, where both are of one space.
    """

    least_share: float = 0.5
    least_overlap: float = 0.5

    def compare(
        self, old: VectorIndex | None, new: VectorIndex, sample: Sequence[str], *, same_space: bool
    ) -> Comparison:
        """How the two answer for `sample`.

        Args:
            old: What answers now; None for nothing.
            new: What shall.
            sample: Items; those that are gone do not count.
            same_space: Whether both are of one space.

        Raises:
            SnapshotRefusedError: The new one is empty, lost too much, gives one answer to all,
                or names other neighbours.
        """
        self._check_size(0 if old is None else len(old), len(new))
        known = [one for one in sample if _is_held(new, one)]
        answers = _neighbours(new, known)
        _check_answers(new, known, answers)
        if old is None:
            return Comparison(len(known), math.nan)
        common = [row for row, one in enumerate(known) if _is_held(old, one)]
        before = _neighbours(old, [known[row] for row in common])
        shares = [
            len(set(answers[row]) & set(ids)) / max(len(answers[row]), len(ids), 1)
            for row, ids in zip(common, before, strict=True)
        ]
        overlap = float(np.mean(shares)) if shares else math.nan
        if same_space and len(shares) >= _ENOUGH and overlap < self.least_overlap:
            raise SnapshotRefusedError(
                f"of the nearest items only {overlap:.0%} are those that were nearest before, in "
                f"one space; at least {self.least_overlap:.0%} are asked for",
                hint=_HINT,
            )
        return Comparison(len(known), overlap)

    def _check_size(self, old: int, new: int) -> None:
        if old and new < max(1, self.least_share * old):
            raise SnapshotRefusedError(
                f"the new index holds {new} items and the old one {old}; at least "
                f"{self.least_share:.0%} of them are asked for",
                hint=_HINT,
            )


def _check_answers(index: VectorIndex, known: Sequence[str], answers: list[list[str]]) -> None:
    if any(not ids for ids in answers):
        raise SnapshotRefusedError("the new index finds nothing for items it holds", hint=_HINT)
    if len(known) >= _ENOUGH and np.ptp(index.vectors(known), axis=0).max() == 0:
        raise SnapshotRefusedError(
            f"{len(known)} items of the new index all have one vector", hint=_HINT
        )


def _neighbours(index: VectorIndex, items: Sequence[str]) -> list[list[str]]:
    if not items:
        return []
    vectors: Float32Array = index.vectors(items)
    return [hits.ids for hits in index.search(vectors, _K)]


def _is_held(index: VectorIndex, item: str) -> bool:
    return bool(np.isfinite(index.vectors([item])).all())

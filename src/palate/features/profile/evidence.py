"""What every item of a table says about whoever takes it, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from palate.features.profile.definition import ProfileDefinition
from palate.types import AttributeKind, Float64Array, Int32Array, Int64Array

__all__ = ["ItemEvidence"]


@dataclass(frozen=True, slots=True)
class ItemEvidence:
    """Of n items, in compressed form.

    Attributes:
        fingerprint: Of the definition.
        names: (n_values,) attribute and value of each code.
        indptr: (n + 1,) int64; item i owns entries `indptr[i]:indptr[i + 1]`.
        values: (m,) int32 codes.
        shares: (m,) float64 of an event's weight: 1 over the item's values of that attribute.
        numbered: Attributes with a number, in the order of the columns of `numbers`.
        numbers: (n, n_numbers) float64 on the attribute's scale, NaN where missing.
    """

    fingerprint: str
    names: tuple[tuple[str, str], ...]
    indptr: Int64Array
    values: Int32Array
    shares: Float64Array
    numbered: tuple[str, ...]
    numbers: Float64Array

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def head(self, n: int) -> Self:
        """Of the first `n` items."""
        last = int(self.indptr[n])
        return replace(
            self,
            indptr=self.indptr[: n + 1],
            values=self.values[:last],
            shares=self.shares[:last],
            numbers=self.numbers[:n],
        )

    @classmethod
    def of(cls, definition: ProfileDefinition, attributes: Sequence[Mapping[str, Any]]) -> Self:
        """What items with these attributes say.

        Args:
            definition: Says what counts.
            attributes: Of each item.
        """
        numbered = tuple(
            n for n, one in definition.attributes.items() if one.kind is AttributeKind.NUMBER
        )
        column = {name: j for j, name in enumerate(numbered)}
        codes: dict[tuple[str, str], int] = {}
        values: list[int] = []
        shares: list[float] = []
        indptr = np.zeros(len(attributes) + 1, np.int64)
        numbers = np.full((len(attributes), len(numbered)), np.nan)
        for row, one in enumerate(attributes):
            evidence = definition.evidence(one)
            for name, found in evidence.values.items():
                values += [codes.setdefault((name, value), len(codes)) for value in found]
                shares += [1.0 / len(found)] * len(found)
            for name, number in evidence.numbers.items():
                numbers[row, column[name]] = number
            indptr[row + 1] = len(values)
        return cls(
            definition.fingerprint,
            tuple(codes),
            indptr,
            np.array(values, np.int32),
            np.array(shares, np.float64),
            numbered,
            numbers,
        )

r"""A profile as the numbers that a net reads: where each of them stands, and what it means.

Of a category, for each of the prior's likeliest values and for all others together

    p_v - p0_v,  p_v = (n_v + alpha_v) / (N + A),  p0_v = alpha_v / A

then ln(1 + N). Of a number, with the posterior of `preference` and s_0, d_0 the prior's own spread
and deviation of the mean

    (m - m_0) / (s_0 sqrt(1 + 1 / kappa_0)),  ln(d / d_0),  ln(s / s_0),  ln(1 + n)

So the vector of somebody who did nothing is zero, and time leads back there. Values that the prior
does not know have no alpha each, as they have in `preference`, but one together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Self

import msgspec
import numpy as np

from palate.errors import DataError, StoreError
from palate.features.profile.definition import ProfileDefinition
from palate.features.profile.kernels.believe import believe
from palate.features.profile.kernels.packed import packed_vector
from palate.features.profile.packed import PackedStatistics, Packing, code_of
from palate.features.profile.prior import CategoryPrior, NumberPrior, Prior
from palate.features.profile.statistics import Statistics
from palate.types import Float32Array, Float64Array, Int64Array

__all__ = ["ProfileLayout"]

_NUMBER_PLACES: Final = ("mean", "deviation", "spread", "events")


class _Document(msgspec.Struct, frozen=True):
    """What a layout is made of, as it stands in a bundle."""

    definition: dict[str, Any]
    prior: Prior
    top: int


class ProfileLayout:
    """The vector of a definition under a prior; the same everywhere that it is read.

    Args:
        definition: Of the statistics.
        prior: The average person, of the same definition.
        top: Likeliest values of a category that have a place of their own.

    Attributes:
        names: What stands at each place: `make=BMW`, `make:other`, `make:events`, `price:mean`,
            `price:deviation`, `price:spread`, `price:events`.
        places: Of values with a place of their own, by attribute.
        spans: First place and number of places of each attribute.

    Raises:
        StoreError: The prior is of another definition.
        DataError: `top` is below 1.
    """

    def __init__(self, definition: ProfileDefinition, prior: Prior, *, top: int = 64) -> None:
        if top < 1:
            raise DataError(f"top is {top}; a category has at least one place")
        if prior.fingerprint != definition.fingerprint:
            raise StoreError(
                f"a prior of definition {prior.fingerprint} stands in a layout of "
                f"{definition.fingerprint}",
                hint="learn the prior again",
            )
        self.definition = definition
        self.prior = prior
        self.top = top
        names: list[str] = []
        self.places: dict[str, dict[str, int]] = {}
        self.spans: dict[str, tuple[int, int]] = {}
        for name, one in prior.categories.items():
            first = len(names)
            values = [v for _, v in sorted((-alpha, v) for v, alpha in one.alpha.items())][:top]
            self.places[name] = {value: first + n for n, value in enumerate(values)}
            names += [*(f"{name}={value}" for value in values), f"{name}:other", f"{name}:events"]
            self.spans[name] = (first, len(names) - first)
        for name in prior.numbers:
            self.spans[name] = (len(names), len(_NUMBER_PLACES))
            names += [f"{name}:{place}" for place in _NUMBER_PLACES]
        self.names: tuple[str, ...] = tuple(names)
        self._compile()

    @property
    def size(self) -> int:
        """Numbers of a vector."""
        return len(self.names)

    @property
    def fingerprint(self) -> str:
        """Of the definition."""
        return self.prior.fingerprint

    def _compile(self) -> None:
        """The arrays that `believe` reads."""
        ends = [first + n for first, n in self._spans_of(self.prior.categories)]
        firsts = [first for first, _ in self._spans_of(self.prior.categories)]
        self.categories = np.array([firsts, [end - 2 for end in ends]], np.int64).T.copy()
        self.numbers = np.array([at for at, _ in self._spans_of(self.prior.numbers)], np.int64)
        self.alpha = np.zeros(self.size)
        self.usual = np.zeros(self.size)
        for name, one in self.prior.categories.items():
            first, count = self.spans[name]
            self.alpha[first : first + count - 1] = _alphas(one, self.places[name])
            part = self.alpha[first : first + count - 1]
            self.usual[first : first + count - 1] = part / part.sum()
        normal = [_normal(one) for one in self.prior.numbers.values()]
        self.normal = np.array(normal, np.float64).reshape(len(normal), 6)
        self._tables = (self.categories, self.alpha, self.usual, self.numbers, self.normal)
        self._index = _indexed(Packing(self.definition), self.places, self.spans)

    def _spans_of(self, names: Mapping[str, object]) -> list[tuple[int, int]]:
        return [self.spans[name] for name in names]

    def vector(self, statistics: Statistics | PackedStatistics, now_us: int) -> Float32Array:
        """(size,) float32: what is believed of a person at a moment, less what is of anybody.

        Args:
            statistics: Of the person, under this definition.
            now_us: Microseconds since 1970 UTC.

        Raises:
            StoreError: The statistics are of another definition.
        """
        if isinstance(statistics, PackedStatistics):
            return self._vector_of_packed(statistics, now_us)
        statistics.check(self.fingerprint)
        return self.believed(self._kept(statistics), statistics.factor(now_us, self.definition))

    def _vector_of_packed(self, statistics: PackedStatistics, now_us: int) -> Float32Array:
        packing = statistics.packing
        if packing.fingerprint != self.fingerprint:
            raise StoreError(
                f"a profile of definition {packing.fingerprint} is read under {self.fingerprint}",
                hint="wait until the profiles are filled from the log",
            )
        out: Float32Array = np.empty(self.size, np.float32)
        packed_vector(
            statistics.words, now_us, packing.half_life_us, self._index, self._tables, out
        )
        return out

    def believed(self, kept: Float64Array, factor: float) -> Float32Array:
        """(size,) float32 from weights by place; `believe` says how they lie.

        Args:
            kept: (size,) float64.
            factor: What a weight is worth now.
        """
        out: Float32Array = np.empty(self.size, np.float32)
        believe(
            kept,
            factor,
            self.categories,
            self.alpha,
            self.usual,
            self.numbers,
            self.normal,
            out,
        )
        return out

    def _kept(self, statistics: Statistics) -> Float64Array:
        kept = np.zeros(self.size)
        for name, places in self.places.items():
            first, count = self.spans[name]
            other = first + count - 2
            for value, weight in statistics.counts.get(name, {}).items():
                kept[places.get(value, other)] += weight
                kept[other + 1] += weight
        for name in self.prior.numbers:
            if (found := statistics.moments.get(name)) is not None:
                first = self.spans[name][0]
                kept[first : first + 3] = found
        return kept

    def to_bytes(self) -> bytes:
        """JSON, for a bundle."""
        definition = self.definition.model_dump(mode="json")
        return msgspec.json.encode(_Document(definition, self.prior, self.top))

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """What `to_bytes` gave.

        Raises:
            StoreError: It is none, or another version of Palate wrote it.
        """
        try:
            found = _decoder.decode(raw)
            definition = ProfileDefinition.model_validate(found.definition)
        except (msgspec.DecodeError, ValueError) as error:
            raise StoreError(
                f"no profile layout: {error}", hint="train the model again with this version"
            ) from error
        return cls(definition, found.prior, top=found.top)


def _alphas(prior: CategoryPrior, places: Mapping[str, int]) -> Float64Array:
    """One of each value with a place, then of all others together."""
    others = math.fsum(a for value, a in prior.alpha.items() if value not in places)
    return np.array([*(prior.alpha[value] for value in places), others + prior.other])


def _normal(prior: NumberPrior) -> tuple[float, ...]:
    variance = prior.scale / (prior.shape - 1.0)
    unit = math.sqrt(variance * (1.0 + 1.0 / prior.strength))
    return (prior.mean, prior.strength, prior.shape, prior.scale, unit, variance)


def _indexed(
    packing: Packing, places: Mapping[str, Mapping[str, int]], spans: Mapping[str, tuple[int, int]]
) -> tuple[Int64Array, Int64Array, Int64Array, Int64Array]:
    """Where packed entries and numbers stand, as `packed_vector` reads it."""
    coded = {
        code_of(attribute, value): place
        for attribute, name in enumerate(packing.categories)
        for value, place in places.get(name, {}).items()
    }
    slots = 1 << max(2 * len(coded), 2).bit_length()
    codes, found = np.full(slots, -1), np.full(slots, -1)
    for code, place in coded.items():
        slot = code % slots
        while codes[slot] >= 0:
            slot = (slot + 1) % slots
        codes[slot], found[slot] = code, place
    others = [sum(spans[n]) - 2 if n in spans else -1 for n in packing.categories]
    firsts = [spans[n][0] if n in spans else -1 for n in packing.numbers]
    return codes, found, np.array(others, np.int64), np.array(firsts, np.int64)


_decoder: Final = msgspec.json.Decoder(_Document)

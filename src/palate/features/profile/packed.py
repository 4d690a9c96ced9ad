"""Statistics as the store keeps them: added and read without making an object of each value.

Bytes are words of eight, little-endian: the unit in microseconds, the number of entries, the
moments (n, mean, M2) of each number; the slots of a hash table that finds an entry by its code,
two bytes each; code and weight of each entry. Then the names of the values, each two bytes of
length and UTF-8; then one to eight bytes to fill a word, of which the last is their number and the
mark of this format. A code is the number of the attribute and a hash of the value; the names are
read only by whoever shows a profile.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np

from palate.errors import ConfigError, StoreError
from palate.features.profile.definition import ProfileDefinition
from palate.features.profile.kernels.packed import ATTRIBUTE_BITS, HEAD, indexed, joined, roomy
from palate.features.profile.statistics import Moments, Statistics
from palate.types import AttributeKind, Int64Array

__all__ = ["PackedStatistics", "Packing", "code_of"]

_MOST_ATTRIBUTES: Final = 1 << (63 - ATTRIBUTE_BITS)
_HASH: Final = (1 << ATTRIBUTE_BITS) - 1
_MARK: Final = 16  # of bytes in this format; those before it had none
_ENDS: Final = tuple(bytes((n - 1) % 8) + bytes((_MARK + (n or 8),)) for n in range(8))

assert sys.byteorder == "little"  # words are the machine's own


@lru_cache(maxsize=100_000)
def code_of(attribute: int, value: str) -> int:
    """64 bits, not negative: the number of an attribute and 54 bits of a hash of the value.

    Two values of one person meet by chance once in 10^12 people with a hundred values each.
    """
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return attribute << ATTRIBUTE_BITS | int.from_bytes(digest, "little") & _HASH


class Packing:
    """How statistics of one definition are packed.

    Args:
        definition: Of the statistics.

    Attributes:
        categories: Attributes with values, sorted; a code holds the place here.
        numbers: Attributes with a number, sorted.

    Raises:
        ConfigError: It has more attributes than a code can tell apart.
    """

    def __init__(self, definition: ProfileDefinition) -> None:
        kinds = {name: one.kind for name, one in sorted(definition.attributes.items())}
        self.definition = definition
        self.fingerprint = definition.fingerprint
        self.half_life_us = definition.half_life_us
        self.numbers = tuple(n for n, kind in kinds.items() if kind is AttributeKind.NUMBER)
        self.categories = tuple(n for n in kinds if n not in self.numbers)
        self._attribute = {name: place for place, name in enumerate(self.categories)}
        self._head = HEAD + 3 * len(self.numbers)
        if len(self.categories) > _MOST_ATTRIBUTES:
            raise ConfigError(f"a profile has at most {_MOST_ATTRIBUTES} categories")

    def start(self, entries: int) -> int:
        """Words before so many entries: four slots each, of which two thirds are filled at most."""
        slots = 1 << max((3 * entries + 1) // 2 - 1, 3).bit_length()
        return self._head + slots // 4

    def empty(self) -> PackedStatistics:
        """Of somebody who did nothing yet."""
        return PackedStatistics(self, np.zeros(self.start(0), np.int64), b"")

    def evidence(self, attributes: Mapping[str, Any]) -> PackedStatistics:
        """What one event of weight 1 with such an item would leave of somebody new, at moment 0."""
        found = self.definition.evidence(attributes)
        counts = {name: dict.fromkeys(v, 1.0 / len(v)) for name, v in found.values.items()}
        moments = {name: Moments(1.0, number, 0.0) for name, number in found.numbers.items()}
        return self.packed(Statistics(self.fingerprint, 0, counts, moments))

    def packed(self, statistics: Statistics) -> PackedStatistics:
        """The same statistics.

        Raises:
            StoreError: They are of another definition.
        """
        statistics.check(self.fingerprint)
        entries = [
            (code_of(self._attribute[name], value), value, weight)
            for name, counts in statistics.counts.items()
            for value, weight in counts.items()
        ]
        start = self.start(len(entries))
        words = np.zeros(start + 2 * len(entries), np.int64)
        words[0], words[1] = statistics.unit_us, len(entries)
        floats = words.view(np.float64)
        for j, name in enumerate(self.numbers):
            if name in statistics.moments:
                floats[HEAD + 3 * j : HEAD + 3 * j + 3] = statistics.moments[name]
        words[start::2] = [code for code, _, _ in entries]
        floats[start + 1 :: 2] = [weight for _, _, weight in entries]
        indexed(words, len(self.numbers))
        names = b"".join(_name(value) for _, value, _ in entries)
        return PackedStatistics(self, words, names)

    def read(self, raw: bytes) -> PackedStatistics:
        """What `PackedStatistics.to_bytes` gave.

        Raises:
            StoreError: It is none of this definition.
        """
        whole = np.frombuffer(raw, np.int64) if len(raw) % 8 == 0 else np.zeros(0, np.int64)
        entries = int(whole[1]) if len(whole) > self._head else -1
        end = self.start(entries) + 2 * entries if 0 <= entries < len(whole) else len(whole)
        if end >= len(whole) or not _MARK < raw[-1] <= _MARK + 8:
            raise StoreError(
                f"{len(raw)} bytes are no profile of definition {self.fingerprint}",
                hint="stop the service and delete the state's folder: it is rebuilt from the log",
            )
        return PackedStatistics(self, whole[:end], raw[8 * end : _MARK - raw[-1]])


class PackedStatistics:
    """Of one person, under the definition of `packing`.

    Args:
        packing: How they are packed.
        words: (w,) int64; copied before anything is changed. Later, room may follow the entries.
        names: Of the values, in the order of the entries.
    """

    __slots__ = ("_names", "_new", "_own", "packing", "words")

    def __init__(self, packing: Packing, words: Int64Array, names: bytes) -> None:
        self.packing = packing
        self.words = words
        self._own = False
        self._names = names
        self._new: list[bytes] = []

    def observe(self, evidence: PackedStatistics, weight: float, at_us: int) -> None:
        """Take in one event: what its item says, its worth, when it happened (microseconds).

        Nothing is changed by a weight of 0 or below.
        """
        if weight > 0.0:
            self._join(evidence, weight, at_us)

    def add(self, other: PackedStatistics) -> None:
        """Take in all that another knows, such as a visitor who turned out to be this person."""
        self._join(other, 1.0, int(other.words[0]))

    def _join(self, other: PackedStatistics, weight: float, at_us: int) -> None:
        packing = self.packing
        if other.packing.fingerprint != packing.fingerprint:
            raise StoreError("statistics of two definitions cannot be added")
        n_numbers = len(packing.numbers)
        words = self.words if self._own else roomy(self.words, n_numbers)
        before = int(words[1])
        words = joined(words, other.words, n_numbers, weight, at_us, packing.half_life_us)
        self.words, self._own = words, True
        if words[1] > before:
            names = dict(zip(other.codes(), other.names(), strict=True))
            self._new += [names[code] for code in self._entries()[2 * before :: 2].tolist()]

    def _entries(self) -> Int64Array:
        """(2 n,) int64: code and weight of each of n entries."""
        entries = int(self.words[1])
        start = self.packing.start(entries)
        return self.words[start : start + 2 * entries]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known."""
        moments = self.words[HEAD : HEAD + 3 * len(self.packing.numbers)]
        return not self.words[1] and not moments.any()

    def codes(self) -> list[int]:
        """Of the entries."""
        found: list[int] = self._entries()[::2].tolist()
        return found

    def names(self) -> list[bytes]:
        """Of the values of the entries, as they are kept."""
        found, at = [], 0
        for _ in range(int(self.words[1]) - len(self._new)):
            end = at + 2 + int.from_bytes(self._names[at : at + 2], "little")
            found.append(self._names[at:end])
            at = end
        return found + self._new

    def to_bytes(self) -> bytes:
        """For the store."""
        entries = int(self.words[1])
        words = self.words[: self.packing.start(entries) + 2 * entries].tobytes()
        names = b"".join((self._names, *self._new)) if self._new else self._names
        return b"".join((words, names, _ENDS[-len(names) % 8]))

    def statistics(self) -> Statistics:
        """The same, by name."""
        packing = self.packing
        floats = self.words.view(np.float64)
        kept = Statistics(packing.fingerprint, int(self.words[0]))
        for j, name in enumerate(packing.numbers):
            moments = Moments(*floats[HEAD + 3 * j : HEAD + 3 * j + 3].tolist())
            if moments.n > 0.0:
                kept.moments[name] = moments
        weights = self._entries().view(np.float64)[1::2].tolist()
        for code, raw, weight in zip(self.codes(), self.names(), weights, strict=True):
            counts = kept.counts.setdefault(packing.categories[code >> ATTRIBUTE_BITS], {})
            counts[raw[2:].decode("utf-8", "surrogatepass")] = weight
        return kept


def _name(value: str) -> bytes:
    raw = value.encode("utf-8", "surrogatepass")
    return len(raw).to_bytes(2, "little") + raw

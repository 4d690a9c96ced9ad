"""What turns items into vectors, and how one item that cannot be turned stops no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np

from palate.errors import DataError, PalateError
from palate.types import Float32Array

__all__ = ["ENCODER_FAULTS", "BrokenEncoderError", "ItemEncoder", "encoded"]

# What an encoder may raise for an item that it cannot take; nets come from anywhere.
ENCODER_FAULTS: Final[tuple[type[Exception], ...]] = (
    PalateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)


@runtime_checkable
class ItemEncoder(Protocol):
    """Items become vectors of one space: two encoders with one `space` give the same vectors."""

    @property
    def space(self) -> str:
        """Names the space: letters and digits, such as a hash of the net's weights."""
        ...

    @property
    def dimension(self) -> int:
        """Of its vectors."""
        ...

    def embed_items(
        self, ids: Sequence[str], attributes: Sequence[Mapping[str, Any]]
    ) -> Float32Array:
        """(n, dimension) float32, a vector for each of n items, whatever else is in the batch."""
        ...


class BrokenEncoderError(PalateError):
    """An encoder fails whatever it is given.

    Args:
        space: Whose.
        cause: What it raised for an item without attributes.
    """

    def __init__(self, space: str, cause: Exception | str) -> None:
        super().__init__(
            f"the item net of space {space} embeds nothing: {cause}",
            hint="its release is damaged or misses a dependency: promote another",
        )
        self.space = space


def encoded(
    encoder: ItemEncoder,
    ids: Sequence[str],
    attributes: Sequence[Mapping[str, Any]],
    on_fault: Callable[[str, str], None],
) -> Float32Array:
    """(n, dimension) float32 of n items; a row of NaN for each that could not be embedded.

    Args:
        encoder: Given all items at once; where that fails, ever smaller parts of them.
        ids: (n,).
        attributes: (n,), of any shape: missing, unknown, of a wrong type, huge.
        on_fault: Told of each item that failed: its id, and why.

    Raises:
        BrokenEncoderError: All items failed, and one without attributes does too.
    """
    out = np.full((len(ids), encoder.dimension), np.nan, np.float32)
    faults: list[tuple[str, str]] = []
    waiting = [(0, len(ids))] if ids else []
    while waiting:
        low, high = waiting.pop()
        try:
            out[low:high] = _whole(encoder, ids[low:high], attributes[low:high])
        except ENCODER_FAULTS as error:
            if high - low > 1:
                middle = (low + high) // 2
                waiting += [(middle, high), (low, middle)]
            else:
                faults.append((ids[low], f"{type(error).__name__}: {error}"))
    lost = ~np.isfinite(out).all(axis=1)
    named = {one for one, _ in faults}
    faults += [
        (ids[row], "its vector is not finite")
        for row in np.flatnonzero(lost).tolist()
        if ids[row] not in named
    ]
    out[lost] = np.nan
    if ids and lost.all():
        _probe(encoder)
    for one, why in faults:
        on_fault(one, why)
    return out


def _whole(
    encoder: ItemEncoder, ids: Sequence[str], attributes: Sequence[Mapping[str, Any]]
) -> Float32Array:
    vectors = np.asarray(encoder.embed_items(ids, attributes), np.float32)
    if vectors.shape != (len(ids), encoder.dimension):
        raise DataError(
            f"the item net of space {encoder.space} gave {vectors.shape} for {len(ids)} items"
        )
    return vectors


def _probe(encoder: ItemEncoder) -> None:
    """Tell items that no net could take from a net that takes nothing."""
    try:
        vectors = _whole(encoder, ["probe"], [{}])
    except ENCODER_FAULTS as error:
        raise BrokenEncoderError(encoder.space, error) from error
    if not np.isfinite(vectors).all():
        raise BrokenEncoderError(encoder.space, "its vectors are not finite")

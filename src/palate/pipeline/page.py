"""The next page: an opaque cursor that knows what was shown, so that nothing is shown twice.

It holds a 32-bit hash of every item of the pages before, not a place in a list: the list is
made anew for each page, from what the person did a moment ago. Two items of one hash are one
for it: of 500 candidates, a thousand shown ones hide one wrongly once in ten thousand pages.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from palate.errors import DataError

__all__ = ["MAX_SHOWN", "Page", "first_page", "page_of"]

MAX_SHOWN: Final = 1000  # items after which pages end: a cursor fits into a URL

_HEAD: Final = struct.Struct(">BIHQ")  # format, surface, number, seed
_FORMAT: Final = 1
_CHECK: Final = 4  # bytes of the checksum at the end


@dataclass(frozen=True, slots=True)
class Page:
    """One page of one answer.

    Attributes:
        surface: Its name.
        number: From 0.
        seed: Of exploration, the same for all pages: 64 bits.
        shown: (n,) hashes of the items of the pages before.
    """

    surface: str
    number: int
    seed: int
    shown: frozenset[int] = frozenset()

    def was_shown(self, item_id: str) -> bool:
        """Whether an item stood on a page before."""
        return _hash(item_id) in self.shown

    def next(self, ids: Iterable[str]) -> str | None:
        """The cursor of the page after this one, which shows `ids`; None after the last."""
        shown = sorted({*self.shown, *map(_hash, ids)})
        if len(shown) == len(self.shown) or len(shown) > MAX_SHOWN:
            return None
        head = _HEAD.pack(_FORMAT, _hash(self.surface), self.number + 1, self.seed)
        plain = head + struct.pack(f">{len(shown)}I", *shown)
        checked = plain + zlib.crc32(plain).to_bytes(_CHECK, "big")
        return base64.urlsafe_b64encode(checked).rstrip(b"=").decode("ascii")


def first_page(surface: str, seed: int) -> Page:
    """The page that no cursor leads to."""
    return Page(surface, 0, seed & (1 << 64) - 1)


def page_of(cursor: str, surface: str) -> Page:
    """The page that a cursor leads to.

    Raises:
        DataError: It is none of ours, was cut or altered, or is another surface's.
    """
    raw = _decoded(cursor)
    plain, check = raw[:-_CHECK], raw[-_CHECK:]
    whole = len(plain) >= _HEAD.size and (len(plain) - _HEAD.size) % 4 == 0
    if not whole or zlib.crc32(plain).to_bytes(_CHECK, "big") != check or plain[0] != _FORMAT:
        raise _broken()
    _, of_surface, number, seed = _HEAD.unpack(plain[: _HEAD.size])
    if of_surface != _hash(surface):
        raise DataError(
            "the cursor is of another surface", hint="ask the surface that gave it, or leave it out"
        )
    shown: Sequence[int] = np.frombuffer(plain[_HEAD.size :], ">u4").tolist()
    if len(shown) > MAX_SHOWN or number > MAX_SHOWN:
        raise _broken()
    return Page(surface, number, seed, frozenset(shown))


def _decoded(cursor: str) -> bytes:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise _broken() from error


def _broken() -> DataError:
    return DataError("the cursor is not whole", hint="send it back as it came, or leave it out")


def _hash(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))

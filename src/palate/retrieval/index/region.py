"""Arrays that grow where they stand: address space is taken at once, memory when it is written.

An array may begin with a file's contents: its pages are shared with every process that maps the
file until one of them writes, which gets a page of its own; the file never changes. What comes
after the file's last row is the process's own memory.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["mapped", "reserved", "rows_in"]

_FLAGS: Final = (
    mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
)  # nothing is set aside for what is never written
_FIXED: Final = 0x10  # MAP_FIXED, on Linux and macOS alike
_HUGE_FROM: Final = 32 << 20  # bytes used at once from which huge pages pay


def reserved(rows: int, like: NDArray[Any], *, used: int = 0) -> NDArray[Any]:
    """An array of `rows` rows of zeros, shaped and typed as the rows of `like`.

    Args:
        rows: For which address space is taken.
        like: (n, ...), of which rows and dtype count.
        used: Rows that will be written soon.
    """
    room = mmap.mmap(-1, max(_bytes(rows, like), mmap.PAGESIZE), flags=_FLAGS)
    if _bytes(used, like) >= _HUGE_FROM and hasattr(mmap, "MADV_HUGEPAGE"):
        room.madvise(mmap.MADV_HUGEPAGE)
    return _shaped(room, rows, like.shape[1:], like.dtype, 0)


def mapped(path: Path, rows: int) -> NDArray[Any]:
    """An array of `rows` rows, or as many as the npy file has if those are more.

    Raises:
        OSError: The file cannot be mapped.
        ValueError: It is no npy file of plain rows.
    """
    with path.open("rb") as file:
        shape, dtype, offset = _header(file)
        size = os.fstat(file.fileno()).st_size
        if size < offset + int(np.prod(shape)) * dtype.itemsize:
            raise ValueError(f"{path.name} is shorter than it says")
        rows = max(rows, shape[0])
        whole = offset + int(np.prod((rows, *shape[1:]))) * dtype.itemsize
        room = mmap.mmap(-1, max(whole, size), flags=_FLAGS)
        _lay_over(room, file.fileno(), size)
    return _shaped(room, rows, shape[1:], dtype, offset)


def rows_in(path: Path) -> int:
    """How many rows an npy file has."""
    with path.open("rb") as file:
        return _header(file)[0][0]


def _header(file: Any) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Shape, dtype and where the numbers begin."""
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"npy of version {version}, where (1, 0) is written")
    shape, by_column, dtype = np.lib.format.read_array_header_1_0(file)
    if by_column or dtype.hasobject or not shape:
        raise ValueError("an npy file holds no plain rows")
    return shape, dtype, file.tell()


def _lay_over(room: mmap.mmap, descriptor: int, size: int) -> None:
    """Let the first pages of `room` be those of a file, copied when they are written."""
    if size == 0:
        return
    library = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = ctypes.c_void_p
    library.mmap.argtypes = [
        ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
    ]  # fmt: skip
    start = ctypes.addressof(ctypes.c_char.from_buffer(room))
    access = mmap.PROT_READ | mmap.PROT_WRITE
    got = library.mmap(start, size, access, mmap.MAP_PRIVATE | _FIXED, descriptor, 0)
    if got != start:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _shaped(
    room: mmap.mmap, rows: int, inner: tuple[int, ...], dtype: DTypeLike, offset: int
) -> NDArray[Any]:
    count = rows * int(np.prod(inner, dtype=np.int64))
    return np.frombuffer(room, dtype, count, offset).reshape((rows, *inner))


def _bytes(rows: int, like: NDArray[Any]) -> int:
    return rows * int(np.prod(like.shape[1:], dtype=np.int64)) * like.dtype.itemsize

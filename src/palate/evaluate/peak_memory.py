"""The most memory that a piece of work holds above what the process held before it."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["PeakMemory", "measure_memory"]

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc(5): "write 5: reset the peak resident set size to the current value"
_MIB_PER_KIB = 1 / 1024


class PeakMemory:
    """What `measure_memory` found.

    Attributes:
        mib: Mebibytes of resident memory above the start, or None until the work has ended
            and wherever the system does not tell.
    """

    __slots__ = ("mib",)

    def __init__(self) -> None:
        self.mib: float | None = None


@contextmanager
def measure_memory() -> Iterator[PeakMemory]:
    """Measure the peak of the `with` block.

    Linux keeps the high-water mark of a process's resident memory and lets the process reset
    it, so the figure is the kernel's own: nothing is sampled, and compiled code that holds the
    interpreter cannot hide a short peak. Memory that was free inside the process at the start
    is handed back first, since reusing it would not show. On other systems, and where the mark
    cannot be reset, the answer is None: a peak over the whole life of the process would charge
    one model with another's.

    Work done by other threads meanwhile counts too.
    """
    measured = PeakMemory()
    before = _start()
    try:
        yield measured
    finally:
        if before is not None:
            peak = _kib("VmHWM:")
            measured.mib = max(0, peak - before) * _MIB_PER_KIB


def _start() -> int | None:
    """Resident KiB after a clean-up, with the high-water mark reset to it."""
    gc.collect(1)  # recent garbage; a full collection would cost more than many a fit
    if not sys.platform.startswith("linux"):
        return None
    _give_back_free_memory()
    try:
        _RESET.write_text(_RESET_PEAK)
        return _kib("VmRSS:")
    except OSError:  # a kernel or a container that does not offer the mark
        return None


def _give_back_free_memory() -> None:
    """`malloc_trim(3)`, where the C library has it (glibc has, musl has not)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _kib(field: str) -> int:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    raise OSError(f"{_STATUS} has no {field}")

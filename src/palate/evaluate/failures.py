"""What a faulty model may raise, so that one of several cannot end a comparison."""

from __future__ import annotations

from typing import Final

from numba.core.errors import NumbaError
from polars.exceptions import PolarsError

from palate.errors import PalateError

__all__ = ["FAILURES", "in_words"]

# Models are other people's code too: an entry point may raise anything that Python, numpy,
# polars or numba raises. Named one by one: interrupts, exits and warnings made errors of other
# kinds pass through.
FAILURES: Final[tuple[type[Exception], ...]] = (
    PalateError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    NameError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    NumbaError,
    PolarsError,
)


def in_words(error: Exception) -> str:
    """The error for people, on one line: ours as it is, others with their kind before it."""
    words = " ".join(str(error).split())
    if isinstance(error, PalateError):
        return words
    return f"{type(error).__name__}: {words}" if words else type(error).__name__

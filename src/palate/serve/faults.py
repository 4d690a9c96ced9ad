"""What a model may raise that must not end a request or a worker: models come from anywhere."""

from __future__ import annotations

from typing import Final

from palate.errors import PalateError

__all__ = ["MODEL_FAULTS", "ModelFaultError"]

MODEL_FAULTS: Final[tuple[type[Exception], ...]] = (
    PalateError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class ModelFaultError(Exception):
    """A release's model failed on a request that was in order; the message is the release."""

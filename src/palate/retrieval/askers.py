"""What people look for in a space: its index cuts its lists for it, and chooses how far it looks.

Trained users stand elsewhere than items do, and otherwise with every net, so that an index which
was made and measured on items alone finds less for people than it says, and takes longer.
"""

from __future__ import annotations

import logging
from typing import Protocol

import numpy as np

from palate.retrieval.casting import Encoders
from palate.types import Float32Array

__all__ = ["Askers", "ReleasedAskers", "nobody"]

logger = logging.getLogger(__name__)


class Askers(Protocol):
    """Knows what people look for in a space."""

    def __call__(self, space: str, /) -> Float32Array | None:
        """(m, dimension) float32 queries like those to come; None where nothing is known.

        Raises:
            StoreError: It cannot be read.
        """
        ...


def nobody(space: str) -> Float32Array | None:
    """Nothing is known of any space."""
    return None


class ReleasedAskers:
    """As the releases keep it whose nets made the space.

    Args:
        encoders: Their item nets; those that keep it have an attribute `newcomers`.
    """

    def __init__(self, encoders: Encoders) -> None:
        self._encoders = encoders

    def __call__(self, space: str) -> Float32Array | None:
        """(m, dimension) float32; None where no release that an alias names has the space.

        Raises:
            StoreError: The registry cannot be read.
        """
        for encoder in self._encoders():
            asked = getattr(encoder, "newcomers", None)
            if encoder.space != space or not isinstance(asked, np.ndarray) or not len(asked):
                continue
            if asked.shape[1:] == (encoder.dimension,) and np.isfinite(asked).all():
                return asked
            logger.warning("the queries that space %s keeps are no vectors of it", space)
        return None

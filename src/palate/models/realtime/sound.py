"""Whether RankNet says anything: what scores by closeness do not show, and a surface ranks by."""

from __future__ import annotations

from typing import Final

import numpy as np

from palate.data.histories import Histories
from palate.models.realtime.nets import Nets
from palate.types import Float32Array

__all__ = ["rank_fault"]

_USERS: Final = 100
_ITEMS: Final = 500


def rank_fault(
    nets: Nets, users: Float32Array, vectors: Float32Array, histories: Histories
) -> str | None:
    """What is wrong with the probabilities of some pairs; None for nothing.

    Args:
        nets: Of the space.
        users: (n, dimension) float32 of the people.
        vectors: (n_items, dimension) float32.
        histories: Of the people; who has none is left out.
    """
    known = np.flatnonzero(np.diff(histories.indptr))
    sample = known[:: max(1, len(known) // _USERS)]
    items = vectors[:: max(1, len(vectors) // _ITEMS)]
    odd = alike = 0
    for row in sample.tolist():
        found = nets.rank(users[row], items)
        odd += not np.isfinite(found).all()
        alike += bool((found == found[:1]).all())
    if odd:
        return f"RankNet gives NaN or infinity to {odd} of {len(sample)} users"
    if alike and alike == len(sample) and len(items) > 1:
        return f"RankNet finds all items alike for each of {len(sample)} users"
    return None

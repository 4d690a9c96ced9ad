"""The other rows' items as negatives: nothing is drawn, popular items come up by themselves."""

from __future__ import annotations

import numpy as np
import torch

from palate.errors import DataError
from palate.types import Float32Array, Float64Array

__all__ = ["InBatchSampler"]


class InBatchSampler:
    """Corrections for negatives that are the positives of the same batch.

        sampler = InBatchSampler(counts)
        loss = in_batch_softmax(users @ items.T, ids, sampler.log_q[ids])

    An item is in a batch as a negative in proportion to its count, so popular ones would be
    pushed down too far; the loss takes log q off their scores.

    Source: Yi et al. 2019, "Sampling-bias-corrected neural modeling for large corpus item
    recommendations", RecSys, section 3; here q is counted, not estimated from the stream.

    Args:
        counts: (n_items,) rows of training by item, at least 0.

    Raises:
        DataError: No count is above 0.

    Attributes:
        log_q: (n_items,) float32 tensor, natural logarithm of the chance that a row of a batch
            is of this item; an item without rows has that of one row.
    """

    def __init__(self, counts: Float64Array) -> None:
        total = float(np.sum(counts))
        if not total > 0:
            raise DataError("no item has a row to train on")
        chances: Float32Array = (np.maximum(counts, 1) / total).astype(np.float32)
        self.log_q = torch.from_numpy(np.log(chances))

"""The last step of a layer of the compressed interaction network, compiled."""

from __future__ import annotations

import numba
import numpy as np

__all__ = ["weigh_maps"]


@numba.njit(cache=True, nogil=True)
def weigh_maps(mixed, before, out):
    """Set out[p, h] to the sum over i of mixed[p, h * m + i] * before[p, i].

    Args:
        mixed: (n, h_next * m) float32.
        before: (n, m) float32.
        out: (n, h_next) float32; its content does not matter.
    """
    m = before.shape[1]
    for p in range(len(out)):
        for h in range(out.shape[1]):
            total = np.float32(0)
            for i in range(m):
                total += mixed[p, h * m + i] * before[p, i]
            out[p, h] = total

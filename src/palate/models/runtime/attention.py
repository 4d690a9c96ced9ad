"""Self-attention without torch: every place looks at itself and at what came before."""

from __future__ import annotations

import numpy as np

from palate.models.runtime.dense import Dense
from palate.types import Float32Array

__all__ = ["causal_attention"]


def causal_attention(
    x: Float32Array, layer: Dense, *, heads: int, last_only: bool = False
) -> Float32Array:
    """softmax(Q K' / sqrt(d / heads)) V for each head, heads side by side.

    Args:
        x: (n, length, d) float32, all places in use.
        layer: d to 3 d: queries, keys, values; heads in order within each.
        heads: Divides d.
        last_only: Answer for the last place alone.

    Returns:
        (n, length, d) float32, or (n, 1, d) for the last place.

    Source: Vaswani et al. 2017, "Attention is all you need", section 3.2.
    """
    n, length, d = x.shape
    each = layer(x).reshape(n, length, 3, heads, d // heads).transpose(2, 0, 3, 1, 4)
    queries, keys, values = each  # (n, heads, length, d / heads) each
    if last_only:
        queries = queries[:, :, -1:]
    pull = queries @ keys.swapaxes(2, 3)  # (n, heads, asking, length)
    pull /= np.float32(np.sqrt(d // heads))
    if not last_only:
        pull[:, :, np.triu(np.ones((length, length), np.bool_), 1)] = -np.inf
    pull -= pull.max(axis=3, keepdims=True)
    np.exp(pull, out=pull)
    pull /= pull.sum(axis=3, keepdims=True)
    seen: Float32Array = (pull @ values).swapaxes(1, 2).reshape(n, -1, d)
    return seen

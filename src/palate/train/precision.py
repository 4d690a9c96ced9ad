"""What products are made in: by name, or as the processor likes it."""

from __future__ import annotations

from functools import cache
from typing import Literal

import torch

__all__ = ["multiplies_bfloat16", "product_type"]


def product_type(precision: Literal["float32", "bfloat16", "auto"]) -> torch.dtype:
    """The type of the factors of products.

    Args:
        precision: `auto` is bfloat16 where `multiplies_bfloat16`, else float32.
    """
    if precision == "auto":
        return torch.bfloat16 if multiplies_bfloat16() else torch.float32
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


@cache
def multiplies_bfloat16() -> bool:
    """Whether the processor has instructions for bfloat16, such as AVX-512 BF16 or AMX.

    Without them it is converted back and forth, and slower than float32. An older torch that
    cannot tell counts as no.
    """
    told = getattr(torch.cpu, "get_capabilities", None)
    return told is not None and any(has and name.endswith("bf16") for name, has in told().items())

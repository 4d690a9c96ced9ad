"""Negatives drawn evenly."""

from __future__ import annotations

import numpy as np

from palate.errors import DataError
from palate.train.samplers.popularity import PopularitySampler
from palate.train.samplers.touched import Touched

__all__ = ["UniformSampler"]


class UniformSampler(PopularitySampler):
    """Draws every item that the user has not touched with one chance.

        sampler = UniformSampler(n_items, touched=Touched.of(users, items, n_users))
        negatives = sampler.draw(rng, users, 4)  # (n, 4) int64

    Source: Rendle et al. 2009, "BPR: Bayesian personalized ranking from implicit feedback",
    UAI, section 4.2; He et al. 2017, "Neural collaborative filtering", WWW, section 3.1.1.

    Args:
        n_items: Above 0.
        touched: What is not drawn for a user; None draws anything.
    """

    def __init__(self, n_items: int, *, touched: Touched | None = None) -> None:
        if n_items < 1:
            raise DataError(f"there are {n_items} items to draw from")
        super().__init__(np.ones(n_items), alpha=0.0, touched=touched)

"""Sequences and their last items, for both sides of the training benchmark; numpy alone."""

from itertools import pairwise

import numpy as np


def sequences_of(folder):
    """indptr and items of `sequences.npz`."""
    with np.load(folder / "sequences.npz") as file:
        return file["indptr"], file["items"]


def last_items(indptr, items):
    """What is trained on (all but the last two of each), what is asked (all but the last)."""
    whole = [items[a:b] for a, b in pairwise(indptr) if b - a > 2]
    return (
        [one[:-2] for one in whole],
        [one[:-1] for one in whole],
        np.array([one[-1] for one in whole]),
    )

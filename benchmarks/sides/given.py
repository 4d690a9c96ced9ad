"""A dataset from a matrix of ones, for our sides."""

import numpy as np
import polars as pl

from palate.data.dataset import Dataset
from palate.data.vocabulary import Vocabulary


def dataset(matrix, ratings=None):
    """Users and items are called by their rows, in that order."""
    coo = matrix.tocoo()
    users, items = coo.row, coo.col
    names = [Vocabulary(str(row) for row in range(n)) for n in matrix.shape]
    values = coo.data if ratings is None else ratings
    rows = pl.DataFrame(
        {
            "user_id": names[0].series.gather(users),
            "item_id": names[1].series.gather(items),
            "value": values.astype(np.float64),
        }
    )
    whole = Dataset.from_frames(rows)
    return Dataset(
        whole.interactions,
        pl.DataFrame({"item_id": names[1].series}),
        pl.DataFrame({"user_id": names[0].series}),
        whole.schema,
        names[1],
        names[0],
    )

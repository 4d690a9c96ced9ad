"""Public sets with splits of their own: Gowalla, MovieLens 1M's folds, and the NCF test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from harness import data_folder
from palate.data.dataset import Dataset
from palate.data.split import Split
from palate.types import Int32Array

__all__ = ["SampledTest", "export_rows", "folds", "gowalla", "ncf_test"]

RATED = {"value": "rating"}


@dataclass(frozen=True)
class SampledTest:
    """One item of each user to be found among some that the user did not touch.

    Attributes:
        train: Everything else.
        users: (n,) int32 rows.
        items: (n,) int32 rows of the items to find.
        others: (n, m) int32 rows of the items among which; where the item itself stands there,
            it counts once.
    """

    train: Dataset
    users: Int32Array
    items: Int32Array
    others: Int32Array


def gowalla() -> Split:
    """Check-ins in the split of the LightGCN paper (He et al. 2020, SIGIR)."""
    folder = data_folder("gowalla-lightgcn") / "gowalla-lightgcn"
    train, test = (pl.read_parquet(folder / f"{part}.parquet") for part in ("train", "test"))
    whole = Dataset.from_frames(pl.concat([train, test]), name="gowalla-lightgcn")
    rows = whole.interactions
    return Split(
        whole.with_interactions(rows.head(train.height)),
        whole.with_interactions(rows.tail(test.height)),
    )


def folds() -> list[Split]:
    """MovieLens 1M, each of its five folds once the test."""
    frame = pl.read_parquet(data_folder("ml-1m") / "ml-1m" / "interactions.parquet")
    whole = Dataset.from_frames(frame, columns=RATED, name="ml-1m")
    rows, fold = whole.interactions, frame["cv_fold"]
    return [
        Split(
            whole.with_interactions(rows.filter(fold != number)),
            whole.with_interactions(rows.filter(fold == number)),
        )
        for number in sorted(fold.unique())
    ]


def ncf_test() -> SampledTest:
    """MovieLens 1M, leave one out with 99 negatives, as the NCF paper (He et al. 2017, WWW)."""
    folder = data_folder("ml-1m") / "ml-1m"
    frame = pl.read_parquet(folder / "interactions.parquet")
    asked = pl.read_parquet(folder / "ncf_test.parquet")
    pairs = asked.select(pl.col("user_id", "item_id").cast(pl.Int32))
    whole = Dataset.from_frames(frame, columns=RATED, name="ml-1m")
    keys = pairs.select(pl.col("user_id", "item_id").cast(pl.String))
    train = whole.interactions.join(keys, on=["user_id", "item_id"], how="anti")
    if train.height != frame.height - asked.height:
        raise SystemExit("ncf_test.parquet is not of these interactions")
    items = whole.item_vocabulary.rows
    return SampledTest(
        whole.with_interactions(train),
        whole.user_vocabulary.rows(keys["user_id"]),
        items(keys["item_id"]),
        np.stack([items(row.cast(pl.String)) for row in asked["negatives"]]),
    )


def export_rows(split: Split, folder: Path) -> None:
    """Both parts as row numbers and values, `train.npz` and `test.npz`."""
    for part, data in (("train", split.train), ("test", split.test)):
        np.savez(
            folder / f"{part}.npz",
            user=data.user_rows,
            item=data.item_rows,
            rating=data.interactions["value"].fill_null(1.0).to_numpy(),
        )

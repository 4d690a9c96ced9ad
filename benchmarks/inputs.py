"""MovieLens with the published 75/25 split by item, for our side and for peers."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl

from harness import data_folder
from palate import columns as c
from palate.data.dataset import Dataset
from palate.data.sources import source
from palate.data.split import Split, split_given

__all__ = ["SPLIT", "export", "stratified75"]

SPLIT = "split_stratified75"


def stratified75(name: str) -> Split:
    """`ml-100k` or `ml-1m`, split 75/25 by item with seed 42, as the recommenders benchmark does.

    Attributes of items and users come with it, for the models that read them.
    """
    folder = data_folder(name) / name
    marks = folder / f"{SPLIT}.parquet"
    if not marks.is_file():
        raise SystemExit(f"PALATE_DATA={os.environ['PALATE_DATA']} lacks {name}/{marks.name}")
    return split_given(source(name).read(folder), pl.read_parquet(marks))


def export(split: Split, folder: Path) -> None:
    """Write both parts as plain arrays: what each side of a comparison reads."""
    for part, dataset in (("train", split.train), ("test", split.test)):
        np.savez(folder / f"{part}.npz", **_columns(dataset))


def _columns(dataset: Dataset) -> dict[str, np.ndarray]:
    rows = dataset.interactions
    return {
        "user": rows[c.USER_ID].cast(pl.Int64).to_numpy(),
        "item": rows[c.ITEM_ID].cast(pl.Int64).to_numpy(),
        "rating": rows[c.VALUE].to_numpy(),
        "timestamp": rows[c.TIMESTAMP].dt.epoch("s").to_numpy(),
    }

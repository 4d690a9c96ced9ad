"""Ratings of MovieLens 100K from a table of columns: linear, FM and trees, with their defaults.

Columns are the ids and the attributes of user and film, no counts or means of ratings. The
75/25 split by item; a user or film unknown to training is answered from the other columns.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import polars as pl

from harness import Bench
from inputs import stratified75
from palate import columns as c
from palate.data.dataset import Dataset
from palate.features.columns import ColumnSpec, specs_of
from palate.metrics.rmse import rmse
from palate.models.boosted import Boosted, BoostedConfig
from palate.models.click import ClickModel
from palate.models.fm import FM, FMConfig
from palate.models.forest import Forest, ForestConfig
from palate.types import AttributeKind

LABEL = "value"


def main() -> None:
    bench = Bench("accuracy-columns", "Ratings from columns, MovieLens 100K", runs=1)
    split = stratified75("ml-100k")
    train, test = table(split.train), table(split.test)
    for name, model in models(split.train).items():
        predicted = model.fit(train, LABEL).predict(test)
        found = rmse(test[LABEL].to_numpy(), predicted)
        bench.add(f"ml-100k/{name}/rmse", found, higher_is_better=False)
    bench.finish()


def table(data: Dataset) -> pl.DataFrame:
    """One row a rating, with the attributes of its user and its film."""
    rows = data.interactions.select(c.USER_ID, c.ITEM_ID, LABEL)
    return rows.join(data.users, on=c.USER_ID, how="left").join(
        data.items, on=c.ITEM_ID, how="left"
    )


def models(data: Dataset) -> dict[str, ClickModel[Any]]:
    """With defaults, over the ids and all attributes that the schema declares."""
    about = (
        *specs_of(data.schema.users, side="user", bins=16),
        *specs_of(data.schema.items, side="item", bins=16),
    )
    ids = (
        ColumnSpec(name=c.USER_ID, kind=AttributeKind.CATEGORY, side="user"),
        ColumnSpec(name=c.ITEM_ID, kind=AttributeKind.CATEGORY, side="item"),
    )
    columns = (*ids, *about)
    return {
        "linear": FM(columns, FMConfig(task="rating", k=0)),
        "fm": FM(columns, FMConfig(task="rating")),
        "boosted": Boosted(columns, BoostedConfig(task="rating")),
        "forest": Forest(columns, ForestConfig(task="rating")),
    }


if __name__ == "__main__":
    main()

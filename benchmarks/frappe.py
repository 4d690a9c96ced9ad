"""Frappe as clicks: each use of an app beside sampled apps not used in the same context."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from palate.features.columns import ColumnSpec
from palate.types import AttributeKind

__all__ = ["CONTEXT", "LABEL", "SPECS", "labelled", "parts"]

LABEL = "used"
SEED = 42
NEGATIVES = 2
# `cost` is left out: it belongs to the app, and negatives that copy it give themselves away.
CONTEXT = ("daytime", "weekday", "isweekend", "homework", "weather", "country", "city")
SPECS = tuple(
    ColumnSpec(name=name, kind=AttributeKind.CATEGORY) for name in ("user", "item", *CONTEXT)
)


def labelled(folder: Path) -> pl.DataFrame:
    """Every use with label 1, and two apps drawn uniformly for it with label 0.

    A drawn app is one that this user has never used in this very context.
    """
    uses = pl.read_parquet(folder / "interactions.parquet").select("user", "item", *CONTEXT)
    rng = np.random.default_rng(SEED)
    items = uses["item"].to_numpy()
    n_items = int(items.max()) + 1
    ranks = uses.select(pl.struct("user", *CONTEXT).rank("dense")).to_series()
    situation = ranks.to_numpy().astype(np.int64)[:, None] * n_items
    used = np.unique(situation[:, 0] + items)
    drawn = rng.integers(0, n_items, (len(items), NEGATIVES))
    while (bad := np.isin(situation + drawn, used)).any():
        drawn[bad] = rng.integers(0, n_items, int(bad.sum()))
    return pl.concat(
        [
            uses.with_columns(pl.lit(1).alias(LABEL)),
            *(
                uses.with_columns(pl.Series("item", drawn[:, at]), pl.lit(0).alias(LABEL))
                for at in range(NEGATIVES)
            ),
        ]
    )


def parts(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Train, validation and test: 70, 20 and 10 of a hundred labelled rows, shuffled."""
    table = labelled(folder)
    order = np.random.default_rng(SEED).permutation(table.height)
    first, second = round(0.7 * table.height), round(0.9 * table.height)
    return table[order[:first]], table[order[first:second]], table[order[second:]]

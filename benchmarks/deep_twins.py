"""The twins of our deep click models in deepctr-torch, and the rows that they are given."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from harness import Side
from palate.features.columns import Columns, ColumnSpec
from peers import Peer

__all__ = ["DEEPCTR", "twins"]

DEEPCTR = Peer(
    "deepctr-torch",
    "0.3.0",
    ("torch==2.13.0", "numpy>=2,<3", "scikit-learn>=1.5,<2", "pandas==2.3.3", "pyarrow>=18"),
)
Tables = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


def twins(
    names: Sequence[str],
    specs: Sequence[ColumnSpec],
    tables: Tables,
    label: str,
    settings: Mapping[str, Any],
) -> dict[str, dict[str, Any]]:
    """Train the twins of `names`; their answers to the test rows, by name.

    Args:
        names: Of our models.
        specs: Our columns: categories become whole numbers, numbers are standardised as ours
            are (after a logarithm where ours have one), a missing one is 0.
        tables: To learn from, to stop by, to answer.
        label: The column of clicks.
        settings: What both sides share.
    """
    plain = [spec.model_copy(update={"bins": None}) for spec in specs]
    categories = [spec for spec in plain if not spec.is_number]
    columns = Columns.fit(pl.concat(tables[:2]), plain)
    chosen = [at for at, spec in enumerate(plain) if not spec.is_number]
    sizes = np.diff(columns.offsets)[chosen]
    arrays: dict[str, np.ndarray] = {}
    for name, table in zip(("train", "held", "test"), tables, strict=True):
        rows = columns.encode(table)
        by_field = rows.indices.reshape(len(rows), len(plain)) - columns.offsets[:-1]
        arrays[f"sparse_{name}"] = by_field[:, chosen].astype(np.float32)
        arrays[f"dense_{name}"] = np.nan_to_num(rows.numbers, nan=0.0)
        arrays[f"labels_{name}"] = table[label].to_numpy().astype(np.float32)
    shapes = {"sizes": sizes.tolist(), "dense": len(plain) - len(categories)}
    with tempfile.TemporaryDirectory(prefix="palate-twins-") as temporary:
        folder = Path(temporary)
        np.savez(folder / "rows.npz", **arrays)  # type: ignore[arg-type]  # numpy types savez loosely
        (folder / "settings.json").write_text(json.dumps({**settings, **shapes}))
        return Side("clicks_deepctr.py", DEEPCTR, tuple(names)).run(folder)

"""The dense table that trees read, cell by cell."""

from __future__ import annotations

import numpy as np
import polars as pl

from palate.features.columns import Columns, ColumnSpec
from palate.models.tree_table import TreeTable
from palate.types import AttributeKind

SPECS = (
    ColumnSpec(name="tags", kind=AttributeKind.CATEGORIES),
    ColumnSpec(name="make", kind=AttributeKind.CATEGORY),
    ColumnSpec(name="year", kind=AttributeKind.NUMBER),
    ColumnSpec(name="price", kind=AttributeKind.NUMBER, bins=3),
)
TRAIN = pl.DataFrame(
    {
        "tags": [["a", "b"], ["a"], ["a", "c"]],
        "make": ["vw", "vw", "fiat"],
        "year": [1.0, 2.0, 3.0],
        "price": [10.0, 20.0, 30.0],
    }
)


def test_codes_flags_and_numbers() -> None:
    columns = Columns.fit(TRAIN, SPECS)
    table = TreeTable.of(columns, max_values=4)  # missing, unseen, a, b; c has no column
    rows = pl.DataFrame(
        {
            "tags": [["b", "c"], None, ["new"]],
            "make": ["fiat", None, "new"],
            "year": [2.0, None, 3.0],
            "price": [None, 20.0, 40.0],
        }
    )
    found = table.matrix(columns.encode(rows))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[:, :5], [[0, 0, 0, 1, 3], [1, 0, 0, 0, 0], [0, 1, 0, 0, 1]])
    spread = np.float32(np.sqrt(1.5))
    expected = np.array([[0.0, np.nan], [np.nan, 0.0], [spread, spread]])
    np.testing.assert_allclose(found[:, 5:].astype(np.float64), expected, rtol=1e-6)
    assert (table.codes, table.numbers, table.width) == ((4,), (5, 6), 7)


def test_columns_add_up_to_their_field() -> None:
    table = TreeTable.of(Columns.fit(TRAIN, SPECS), max_values=4)
    np.testing.assert_array_equal(table.by_field(np.arange(7.0)), [0 + 1 + 2 + 3, 4, 5, 6])

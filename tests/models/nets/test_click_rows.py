"""Batches of encoded rows: their parts, and what a table makes of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from palate.features.columns import Encoded
from palate.models.click_rows import Part
from palate.models.nets.click_rows import ClickRows
from palate.models.nets.fields import entries_of, weighed
from palate.models.runtime.embedding import embedded

OFFSETS = np.array([0, 3, 7], np.int64)


def encoded(entries: list[list[int]], weights: list[float] | None = None, d: int = 0) -> Encoded:
    """Rows of two fields, of 3 and 4 values."""
    indices = np.array([e for row in entries for e in row], np.int32)
    return Encoded(
        np.concatenate(([0], np.cumsum([len(row) for row in entries]))).astype(np.int64),
        indices,
        np.ones(len(indices), np.float32) if weights is None else np.array(weights, np.float32),
        np.full((len(entries), d), np.nan, np.float32),
        OFFSETS,
    )


SINGLES = encoded([[0, 3], [2, 6], [1, 3]])
KINDS = {
    "singles": SINGLES,
    "weighted": encoded([[0, 3], [2, 6], [1, 3]], [1, 1, 0.5, 1, 1, -2]),
    "as many, but not one each": encoded([[0], [0, 3, 4], [1, 5]]),
    "none": encoded([[], [0], []]),
}


def rows_of(rows: Encoded, extra: Encoded | None = None) -> ClickRows:
    return ClickRows(Part(rows, np.arange(len(rows), dtype=np.float32), None), extra)


@pytest.mark.parametrize("rows", list(KINDS.values()), ids=list(KINDS))
@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0], [1]])
def test_torch_looks_up_what_numpy_does(rows: Encoded, order: list[int]) -> None:
    table = torch.arange(14, dtype=torch.float32).reshape(7, 2)
    batch = rows_of(rows).batch(np.array(order))
    found = weighed(table, entries_of(batch)[0]).view(len(order), 2, 2)
    wanted = embedded(rows, table.numpy())[order]
    np.testing.assert_allclose(found.numpy(), wanted)
    assert batch[0].tolist() == order


def test_rows_with_an_entry_a_field_are_a_matrix() -> None:
    (entries,) = entries_of(rows_of(SINGLES).batch(np.array([1, 2])))
    assert [part.tolist() for part in entries] == [[[2, 6], [1, 3]]]
    assert len(entries_of(rows_of(KINDS["weighted"]).batch(np.array([0])))[0]) == 3


@pytest.mark.parametrize("rows", list(KINDS.values()), ids=list(KINDS))
@pytest.mark.parametrize("extra", list(KINDS.values()), ids=list(KINDS))
def test_further_entries_come_last(rows: Encoded, extra: Encoded) -> None:
    first, second = entries_of(rows_of(rows, extra).batch(np.array([1, 0])))
    table = torch.arange(7, dtype=torch.float32)[:, None]
    for entries, source in ((first, rows), (second, extra)):
        found = weighed(table, entries).view(2, 2)
        np.testing.assert_allclose(found, embedded(source, table.numpy())[[1, 0], :, 0])


def test_a_missing_number_is_the_mean_and_no_number_is_a_column_of_zeros() -> None:
    for d in (0, 1, 3):
        numbers = rows_of(encoded([[0, 3]], d=d)).batch(np.array([0]))[1]
        assert numbers.tolist() == [[0.0] * max(d, 1)]


def test_an_epoch_has_every_row_once() -> None:
    batches = rows_of(SINGLES).batches(2, seed=0)
    seen = [row for batch in batches.epoch(1) for row in batch[0].tolist()]
    assert sorted(seen) == [0, 1, 2]
    in_order = [row for batch in rows_of(SINGLES).in_order(2) for row in batch[0].tolist()]
    assert in_order == [0, 1, 2]

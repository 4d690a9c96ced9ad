r"""Attributes of items as sparse unit vectors: words, categories, and numbers on their scale.

    text        tf * idf of its words, tf = 1 + ln(count), idf = ln((1 + N) / (1 + n)) + 1
    categories  idf of each value, the same formula with tf = 1
    number      its two nearest of `bins` knots, spaced evenly between the 1st and the 99th
                percentile of its (linear or log) scale, each by its nearness
    time        as a number, linear

N items, n of them with the word or value. An image says nothing here. A missing or
non-finite value gives no feature.

Source of the weighting: Salton and Buckley 1988, "Term-weighting approaches in automatic text
retrieval"; idf smoothed as if one more document had every word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import polars as pl
from scipy.sparse import csr_array, hstack

from palate import columns as c
from palate.config import Attribute
from palate.data.dataset import Dataset
from palate.errors import DataError
from palate.types import AttributeKind, Float64Array, Int32Array, Int64Array

__all__ = ["FeatureConfig", "Features", "item_features"]

WORD = r"[\p{L}\p{N}]+"
_ROW, _VALUE = "_row", "_value"


class FeatureConfig(Protocol):
    """What `item_features` reads of a model's config."""

    @property
    def weights(self) -> dict[str, float]:
        """Attribute to weight; 1 where absent."""

    @property
    def min_items(self) -> int:
        """Items that a word or value needs."""

    @property
    def bins(self) -> int:
        """Knots for a number."""


_UNCOMPARED: Final = (AttributeKind.IMAGE, AttributeKind.VECTOR)


@dataclass(frozen=True, slots=True)
class Features:
    """A sparse (n_items, n_features) matrix, rows of length 1, or 0 where an item says nothing.

    Attributes:
        indptr: (n_items + 1,) int64.
        columns: (nnz,) int32.
        values: (nnz,) float64.
        n_features: Above every column.
    """

    indptr: Int64Array
    columns: Int32Array
    values: Float64Array
    n_features: int

    @property
    def n_items(self) -> int:
        """Number of rows."""
        return len(self.indptr) - 1

    def matrix(self) -> csr_array:
        """The same for scipy, over the same values."""
        shape = (self.n_items, self.n_features)
        return csr_array((self.values, self.columns, self.indptr), shape=shape)


def item_features(
    dataset: Dataset, kinds: Mapping[str, Attribute], config: FeatureConfig
) -> Features:
    """What the attributes in `kinds` say of the items of `dataset`.

    Raises:
        DataError: There is no attribute that items can be compared by, or a negative weight.
    """
    compared, blocks = False, [csr_array((dataset.n_items, 0))]
    for name, attribute in kinds.items():
        weight = config.weights.get(name, 1.0)
        if weight < 0:
            raise DataError(f"the weight of attribute {name!r} is {weight}; it is at least 0")
        if weight == 0 or attribute.kind in _UNCOMPARED:
            continue
        if name not in dataset.items.columns:
            continue
        compared = True
        column = dataset.items.select(
            pl.Series(_ROW, dataset.item_vocabulary.rows(dataset.items[c.ITEM_ID].to_list())),
            pl.col(name).alias(_VALUE),
        ).drop_nulls()
        block = _block(column, attribute, dataset.n_items, config)
        if block is not None:
            blocks.append(_unit_rows(block) * np.sqrt(weight))
    if not compared:
        raise DataError(
            "the items have no attribute to compare them by",
            hint="declare text, categories or numbers under [items], or use another model",
        )
    joined = _unit_rows(csr_array(hstack(blocks, format="csr")))
    return Features(
        joined.indptr.astype(np.int64),
        joined.indices.astype(np.int32),
        np.asarray(joined.data, np.float64),
        joined.shape[1],
    )


def _block(
    column: pl.DataFrame, attribute: Attribute, n_items: int, config: FeatureConfig
) -> csr_array | None:
    """The features of one attribute from (_row, _value) without nulls; None for none."""
    match attribute.kind:
        case AttributeKind.TEXT:
            words = pl.col(_VALUE).cast(pl.String).str.to_lowercase().str.extract_all(WORD)
            return _terms(column.with_columns(words), n_items, config.min_items)
        case AttributeKind.CATEGORY | AttributeKind.CATEGORIES:
            return _terms(_listed(column, attribute), n_items, config.min_items)
        case AttributeKind.NUMBER | AttributeKind.TIME:
            return _knots(column, attribute, n_items, config.bins)
        case AttributeKind.IMAGE | AttributeKind.VECTOR:
            return None


def _listed(column: pl.DataFrame, attribute: Attribute) -> pl.DataFrame:
    """Values as lists of strings."""
    value = pl.col(_VALUE)
    if isinstance(column.schema[_VALUE], pl.List):
        return column.with_columns(value.cast(pl.List(pl.String)).list.unique())
    if attribute.separator is not None:
        return column.with_columns(
            value.cast(pl.String).str.split(attribute.separator).list.unique()
        )
    return column.with_columns(value.cast(pl.String).reshape((-1, 1)).arr.to_list())


def _terms(column: pl.DataFrame, n_items: int, min_items: int) -> csr_array | None:
    """TF-IDF of lists of terms."""
    counted = (
        column.explode(_VALUE)
        .filter(pl.col(_VALUE).is_not_null() & (pl.col(_VALUE) != ""))
        .group_by(_ROW, _VALUE)
        .len("tf")
        .with_columns(n=pl.len().over(_VALUE))
        .filter(pl.col("n") >= min_items)
        .with_columns(term=pl.col(_VALUE).rank("dense").cast(pl.Int64) - 1)
        .sort(_ROW, "term")
    )
    if counted.is_empty():
        return None
    total = column.height
    tf = 1.0 + np.log(counted["tf"].to_numpy())
    idf = np.log((1.0 + total) / (1.0 + counted["n"].to_numpy())) + 1.0
    terms = counted["term"].to_numpy()
    at = (counted[_ROW].to_numpy(), terms)
    return csr_array((tf * idf, at), shape=(n_items, int(terms.max()) + 1))


def _knots(column: pl.DataFrame, attribute: Attribute, n_items: int, bins: int) -> csr_array | None:
    """Two neighbouring knots for each number."""
    series = column[_VALUE]
    if series.dtype.is_temporal():
        series = series.cast(pl.Datetime("us")).cast(pl.Int64)
    value = series.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    if attribute.scale == "log":
        value = np.log(np.where(value > 0, value, np.nan))
    known = np.isfinite(value)
    rows, value = column[_ROW].to_numpy()[known], value[known]
    if not len(value):
        return None
    low, high = np.percentile(value, (1, 99))
    if low == high:
        return None  # all the same: it tells no item from another
    place = np.clip((value - low) / (high - low), 0.0, 1.0) * (bins - 1)
    left = np.minimum(place.astype(np.int64), bins - 2)
    share = place - left
    at = (np.concatenate((rows, rows)), np.concatenate((left, left + 1)))
    return csr_array((np.concatenate((1.0 - share, share)), at), shape=(n_items, bins))


def _unit_rows(matrix: csr_array) -> csr_array:
    """Rows of length 1; empty ones stay empty."""
    matrix.eliminate_zeros()
    lengths = np.diff(matrix.indptr)
    squares = np.zeros(matrix.shape[0])
    np.add.at(squares, np.repeat(np.arange(matrix.shape[0]), lengths), matrix.data**2)
    return csr_array(
        (matrix.data / np.repeat(np.sqrt(squares), lengths), matrix.indices, matrix.indptr),
        shape=matrix.shape,
    )

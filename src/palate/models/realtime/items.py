"""Items as ItemNet reads them: slots of one table with weights, numbers, the row of the id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import polars as pl

from palate.config import Attribute
from palate.features.columns import Columns, Encoded, specs_of
from palate.models.realtime.attributes import parsed_of
from palate.models.realtime.ids import TrainedIds
from palate.models.realtime.vectors import column_vectors, raw_vectors
from palate.models.words import word_vectors, words_of
from palate.types import AttributeKind, Float32Array, Int32Array, Int64Array

__all__ = ["ItemEncoder", "ItemRows", "columns_of"]

MOST_OF_A_FIELD: Final = 8  # values of one attribute that holds several; the rest is left out
TEXT_WIDTH: Final = 256  # of a word's vector
BEYOND: Final = 4.0  # deviations from the mean at which a number is cut


@dataclass(frozen=True, slots=True)
class ItemRows:
    """What ItemNet reads of n items.

    Attributes:
        slots: (n, L) int32 rows of the table that all attributes share.
        weights: (n, L) float32; 0 where a slot is empty.
        numbers: (n, k) float32: standardised numbers, 0 where missing; vectors of length 1, each
            followed by 1 where it is missing; vectors of texts.
        ids: (n,) int32 rows of the table of ids.
    """

    slots: Int32Array
    weights: Float32Array
    numbers: Float32Array
    ids: Int32Array

    def __len__(self) -> int:
        return len(self.ids)

    def head(self, n: int) -> ItemRows:
        """Of the first `n` items."""
        return ItemRows(self.slots[:n], self.weights[:n], self.numbers[:n], self.ids[:n])

    def then(self, others: ItemRows) -> ItemRows:
        """Of these items, and of others behind them."""
        mine = self.slots, self.weights, self.numbers, self.ids
        theirs = others.slots, others.weights, others.numbers, others.ids
        return ItemRows(*(np.concatenate(pair) for pair in zip(mine, theirs, strict=True)))


@dataclass(frozen=True)
class ItemEncoder:
    """Makes rows of items; the same of one item alone, in a batch, in training and in serving.

    Attributes:
        columns: Fitted on the training items; None where no attribute is read.
        texts: Attributes whose words' vectors are read.
        ids: Those that were trained; None where ids are not read.
        vectors: Attributes that are vectors, with their sizes.
    """

    columns: Columns | None
    texts: tuple[str, ...]
    ids: TrainedIds | None
    vectors: tuple[tuple[str, int], ...] = ()

    @property
    def n_features(self) -> int:
        """Rows of the table of attributes; at least one, for empty slots."""
        return 1 if self.columns is None else self.columns.n_features

    @property
    def n_slots(self) -> int:
        """L, slots of an item."""
        return int(self._places[-1])

    @property
    def n_numbers(self) -> int:
        """k, width of the dense block."""
        numbers = 0 if self.columns is None else len(self.columns.numbers)
        given = sum(size + 1 for _, size in self.vectors)
        return numbers + given + TEXT_WIDTH * len(self.texts)

    @property
    def n_ids(self) -> int:
        """Rows of the table of ids, that of zeros included."""
        return 1 if self.ids is None else self.ids.n_rows

    @property
    def _places(self) -> Int64Array:
        """(f + 1,) first slot of each field."""
        widths = [1] if self.columns is None else [_width(s) for s in self.columns.specs]
        return np.concatenate(([0], np.cumsum(widths))).astype(np.int64)

    def with_ids(self, ids: Iterable[str]) -> ItemEncoder:
        """The same, `ids` being trained too; where none are read, none are."""
        return self if self.ids is None else replace(self, ids=self.ids.with_more(ids))

    def encode(self, ids: Sequence[str], attributes: Sequence[Mapping[str, Any]]) -> ItemRows:
        """Of items as a log has them; whatever is no usable value counts as missing.

        Args:
            ids: (n,) public ids.
            attributes: (n,) as `item.upserted` has them.
        """
        encoded = None
        if self.columns is not None and len(ids):
            parsed = parsed_of(self.columns.specs, attributes)
            encoded = self.columns.encode_parsed(parsed, len(ids))
        texts = {
            name: [v if isinstance(v := one.get(name), str) else None for one in attributes]
            for name in self.texts
        }
        dense = [raw_vectors([one.get(n) for one in attributes], size) for n, size in self.vectors]
        return self._rows(encoded, [*dense, *self._texts(texts)], ids)

    def encode_frame(self, ids: Sequence[str], frame: pl.DataFrame) -> ItemRows:
        """Of items whose attributes are columns of their kinds' dtypes.

        Args:
            ids: (n,) public ids.
            frame: n rows, as `Dataset.items_by_row` has them.
        """
        dense = [column_vectors(frame[name], size) for name, size in self.vectors]
        texts = self._texts({name: frame[name].to_list() for name in self.texts})
        encoded = None
        if self.columns is not None and len(ids):
            encoded = self.columns.encode(frame)
        return self._rows(encoded, [*dense, *texts], ids)

    def _texts(self, texts: Mapping[str, Sequence[str | None]]) -> list[Float32Array]:
        return [_text_vectors(texts[name]) for name in self.texts]

    def _rows(
        self, encoded: Encoded | None, dense: Sequence[Float32Array], ids: Sequence[str]
    ) -> ItemRows:
        """What is read of attributes, if any are, beside dense columns and ids."""
        n = len(ids)
        rows = np.zeros(n, np.int32) if self.ids is None else self.ids.rows(ids)
        if encoded is None:
            slots = np.zeros((n, self.n_slots), np.int32)
            weights = np.zeros((n, self.n_slots), np.float32)
            numbers = np.zeros((n, 0 if self.columns is None else len(self.columns.numbers)))
        else:
            slots, weights = _slots(encoded, self._places)
            numbers = np.clip(np.nan_to_num(encoded.numbers), -BEYOND, BEYOND)
        block = np.ascontiguousarray(np.concatenate((numbers, *dense), axis=1), np.float32)
        return ItemRows(slots, weights, block, rows)


def columns_of(
    frame: pl.DataFrame, attributes: Mapping[str, Attribute], *, bins: int, min_count: int
) -> Columns | None:
    """Columns of all typed attributes that any item has, fitted on the items.

    Args:
        frame: One row an item.
        attributes: Of the schema.
        bins: Knots of numbers and times.
        min_count: Items that a value needs for a row of its own.
    """
    said = [name for name, series in ((n, frame[n]) for n in attributes) if series.count()]
    specs = specs_of(
        {name: attributes[name] for name in said}, side="item", bins=bins, min_count=min_count
    )
    return Columns.fit(frame, specs) if specs else None


def _width(spec: Any) -> int:
    """Slots of a field: its two nearest knots, its values, or its one value."""
    if spec.is_number:
        return 2
    return MOST_OF_A_FIELD if spec.kind is AttributeKind.CATEGORIES else 1


def _slots(encoded: Encoded, places: Int64Array) -> tuple[Int32Array, Float32Array]:
    """(n, L) slots and weights from entries in compressed form."""
    shape = (len(encoded), int(places[-1]))
    slots, weights = np.zeros(shape, np.int32), np.zeros(shape, np.float32)
    fields, rows = encoded.fields(), encoded.rows()
    first = np.ones(len(fields), np.bool_)
    first[1:] = (fields[1:] != fields[:-1]) | (rows[1:] != rows[:-1])
    starts = np.flatnonzero(first)
    within = np.arange(len(fields)) - starts[np.cumsum(first) - 1]
    kept = within < np.diff(places)[fields]
    at = (rows[kept], (places[fields] + within)[kept])
    slots[at], weights[at] = encoded.indices[kept], encoded.weights[kept]
    return slots, weights


def _text_vectors(texts: Sequence[str | None]) -> Float32Array:
    """(n, 256) float32 mean vector of each text's words; zeros where it has none."""
    words = [words_of(text) for text in texts]
    distinct = sorted({word for one in words for word in one})
    vectors = word_vectors(distinct)
    place = {word: at for at, word in enumerate(distinct)}
    found = np.zeros((len(words), TEXT_WIDTH), np.float32)
    for row, one in enumerate(words):
        if one:
            found[row] = vectors[[place[word] for word in one]].mean(axis=0)
    return found

"""A dataset: interactions, attributes of users and items, and the vocabularies over both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from narwhals.typing import IntoDataFrame

from palate import columns as c
from palate.config import Schema
from palate.data import frames
from palate.data.attributes import typed
from palate.data.histories import Histories
from palate.data.summary import Summary
from palate.data.vocabulary import Vocabulary
from palate.errors import DataError
from palate.types import Int32Array, Int64Array

__all__ = ["Dataset", "epoch_us"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Interactions plus what is known of users and items.

    Attributes:
        interactions: Columns of `frames.INTERACTIONS`: user_id, item_id, event (strings),
            value (float64, null where the event has none), timestamp (UTC microseconds,
            null where unknown). Order of rows is the order of arrival.
        items: One row an item: item_id and its attributes. May name items that nobody
            has touched. Every attribute of `schema.items` is a column of its kind's dtype
            (`attributes.DTYPES`); null means unknown.
        users: One row a user: user_id and attributes, likewise.
        schema: What the events are worth and what the attributes hold.
        item_vocabulary: Rows of items; covers `interactions` and `items`.
        user_vocabulary: Rows of users; covers `interactions` and `users`.
        name: For reports.
        item_versions: What items were before they became what `items` says, where somebody dealt
            with them then: item_id, and attributes as a JSON object. The column `item_version`
            of `interactions` (uint32) is a row of it; null where the item was as it is known
            last. None, and no such column, where no item changed.
    """

    interactions: pl.DataFrame
    items: pl.DataFrame
    users: pl.DataFrame
    schema: Schema
    item_vocabulary: Vocabulary = field(repr=False)
    user_vocabulary: Vocabulary = field(repr=False)
    name: str = "dataset"
    item_versions: pl.DataFrame | None = field(default=None, repr=False)

    @classmethod
    def from_frames(
        cls,
        interactions: IntoDataFrame,
        *,
        items: IntoDataFrame | None = None,
        users: IntoDataFrame | None = None,
        schema: Schema | None = None,
        columns: Mapping[str, str] | None = None,
        name: str = "dataset",
    ) -> Dataset:
        """Build from pandas, polars or Arrow frames.

        Args:
            interactions: At least user_id and item_id; event, value and timestamp may follow.
                Repeated rows are kept: `filter.deduplicate` removes them on request.
            items: item_id and attributes.
            users: user_id and attributes.
            schema: Event weights and attribute kinds; by default every event weighs 1, a
                value (a rating) multiplies it, and attribute kinds are guessed from dtypes.
            columns: Names in `interactions` of canonical columns, `{"value": "rating"}`.
            name: For reports.

        Raises:
            DataError: A column is missing, of the wrong type, NaN or infinite; no row is left.
        """
        events = frames.interactions(interactions, columns or {})
        item_rows = frames.attributes(items, c.ITEM_ID)
        user_rows = frames.attributes(users, c.USER_ID)
        declared = (
            schema if schema is not None else frames.guess_schema(events, item_rows, user_rows)
        )
        return cls.from_canonical(
            events, items=item_rows, users=user_rows, schema=declared, name=name
        )

    @classmethod
    def from_canonical(
        cls,
        interactions: pl.DataFrame,
        *,
        items: pl.DataFrame,
        users: pl.DataFrame,
        schema: Schema,
        name: str = "dataset",
        item_versions: pl.DataFrame | None = None,
    ) -> Dataset:
        """Build from frames that are canonical already, as the log and `filter` have them.

        Raises:
            DataError: An attribute holds what its declared kind cannot.
        """
        return cls(
            interactions,
            typed(items, c.ITEM_ID, schema.items),
            typed(users, c.USER_ID, schema.users),
            schema,
            _vocabulary(interactions[c.ITEM_ID], items[c.ITEM_ID]),
            _vocabulary(interactions[c.USER_ID], users[c.USER_ID]),
            name,
            item_versions,
        )

    def with_interactions(self, interactions: pl.DataFrame) -> Dataset:
        """The same users, items and vocabularies over other (canonical) interactions.

        Splits use this, so that rows mean the same in every part.
        """
        return replace(self, interactions=interactions)

    def compact(self) -> Dataset:
        """Only the users and items that interactions name, in vocabularies of their own."""
        return Dataset.from_canonical(
            self.interactions,
            items=self.items.join(self.interactions, on=c.ITEM_ID, how="semi"),
            users=self.users.join(self.interactions, on=c.USER_ID, how="semi"),
            schema=self.schema,
            name=self.name,
            item_versions=self.item_versions,
        )

    def __len__(self) -> int:
        return self.interactions.height

    @property
    def n_users(self) -> int:
        """Size of the user vocabulary."""
        return len(self.user_vocabulary)

    @property
    def n_items(self) -> int:
        """Size of the item vocabulary."""
        return len(self.item_vocabulary)

    @cached_property
    def user_rows(self) -> Int32Array:
        """(n,) int32, the user of each interaction in order of arrival."""
        return self.user_vocabulary.rows(self.interactions[c.USER_ID])

    @cached_property
    def item_rows(self) -> Int32Array:
        """(n,) int32, the item of each interaction in order of arrival."""
        return self.item_vocabulary.rows(self.interactions[c.ITEM_ID])

    @cached_property
    def items_by_row(self) -> pl.DataFrame:
        """`items` in vocabulary order, (n_items) rows, null where nothing is known."""
        return _by_row(self.items, c.ITEM_ID, self.item_vocabulary)

    @cached_property
    def users_by_row(self) -> pl.DataFrame:
        """`users` in vocabulary order, (n_users) rows, null where nothing is known."""
        return _by_row(self.users, c.USER_ID, self.user_vocabulary)

    @cached_property
    def histories(self) -> Histories:
        """All interactions by user row, weighted by the schema."""
        users, items = self.user_rows, self.item_rows
        return self._histories(self.interactions, users, items, self.n_users, self._versions)

    @cached_property
    def earlier_attributes(self) -> list[Mapping[str, Any]]:
        """Attributes of each row of `item_versions`, as events have them."""
        if self.item_versions is None:
            return []
        return [json.loads(one) for one in self.item_versions[c.ATTRIBUTES].to_list()]

    @cached_property
    def version_rows(self) -> Int32Array:
        """(m,) int32, the item of each row of `item_versions`."""
        if self.item_versions is None:
            return np.zeros(0, np.int32)
        return self.item_vocabulary.rows(self.item_versions[c.ITEM_ID])

    @property
    def _versions(self) -> Int32Array | None:
        """(n,) int32 of each interaction, as `Histories.versions` has them."""
        if self.item_versions is None:
            return None
        version = self.interactions[c.ITEM_VERSION].cast(pl.Int64).fill_null(-1).to_numpy()
        return np.where(version < 0, self.item_rows, self.n_items + version).astype(np.int32)

    def histories_of(self, interactions: pl.DataFrame, users: Vocabulary) -> Histories:
        """Weighted histories of canonical `interactions` over another user vocabulary.

        Items outside the item vocabulary are left out: no model knows them. Others are as they
        are known last: a model of another catalogue knows no earlier versions.

        Raises:
            DataError: An interaction's user is not among `users`.
        """
        user_rows = users.rows(interactions[c.USER_ID])
        if (user_rows < 0).any():
            unknown = interactions[c.USER_ID][int(np.argmin(user_rows))]
            raise DataError(f"interactions name a user that the vocabulary does not: {unknown!r}")
        item_rows = self.item_vocabulary.rows(interactions[c.ITEM_ID])
        return self._histories(interactions, user_rows, item_rows, len(users))

    def _histories(
        self,
        interactions: pl.DataFrame,
        users: Int32Array,
        items: Int32Array,
        n_users: int,
        versions: Int32Array | None = None,
    ) -> Histories:
        known = items >= 0
        weights = self._weights(interactions).to_numpy().astype(np.float32)
        return Histories.from_entries(
            users[known],
            items[known],
            weights[known],
            epoch_us(interactions)[known],
            n_users=n_users,
            n_items=self.n_items,
            versions=None if versions is None else versions[known],
        )

    def _weights(self, interactions: pl.DataFrame) -> pl.Series:
        """(n,) float64: weight of the event type, times the value where the type says so."""
        weight = pl.lit(0.0)
        for event in interactions[c.EVENT].unique():
            kind = self.schema.event_type(event)
            worth = pl.lit(kind.weight)
            if kind.value == "multiply":
                worth = worth * pl.col(c.VALUE).fill_null(1.0)
            weight = pl.when(pl.col(c.EVENT) == event).then(worth).otherwise(weight)
        return interactions.select(weight.cast(pl.Float64).alias("weight"))["weight"]

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of interactions in order, attributes by id, and schema, in hex.

        Equal data give the same checksum on every machine and version.
        """
        digest = hashlib.sha256()
        for vocabulary in (self.user_vocabulary, self.item_vocabulary):
            digest.update("\0".join(vocabulary.ids).encode() + b"\1")
        events = Vocabulary.sorted(self.interactions[c.EVENT])
        digest.update("\0".join(events.ids).encode() + b"\1")
        values = self.interactions[c.VALUE].fill_null(np.nan).to_numpy()
        for column, dtype in (
            (self.user_rows, "<i4"),
            (self.item_rows, "<i4"),
            (events.rows(self.interactions[c.EVENT]), "<i4"),
            (values, "<f8"),
            (epoch_us(self.interactions), "<i8"),
        ):
            digest.update(column.astype(dtype, copy=False).tobytes())
        if self.item_versions is not None and self._versions is not None:
            digest.update(self.item_versions.write_ndjson().encode())
            digest.update(self._versions.astype("<i4", copy=False).tobytes())
        for frame, key in ((self.items, c.ITEM_ID), (self.users, c.USER_ID)):
            digest.update(frame.select(sorted(frame.columns)).sort(key).write_ndjson().encode())
        meaning = json.dumps(
            self.schema.model_dump(mode="json", exclude_defaults=True), sort_keys=True
        )
        digest.update(meaning.encode())
        return digest.hexdigest()

    def summary(self) -> Summary:
        """Sizes, density, events by type and the time covered."""
        return Summary.of(self.interactions, n_users=self.n_users, n_items=self.n_items)

    def save(self, folder: Path) -> None:
        """Write Parquet tables and `dataset.json` to `folder`; see `dataset_folder`."""
        from palate.data import dataset_folder

        dataset_folder.write(self, folder)

    @classmethod
    def load(cls, folder: Path) -> Dataset:
        """Read what `save` wrote.

        Raises:
            DataError: The folder holds no dataset, one of another format, or an altered one.
        """
        from palate.data import dataset_folder

        return dataset_folder.read(folder)


def epoch_us(interactions: pl.DataFrame) -> Int64Array:
    """(n,) int64 microseconds since 1970 UTC of `timestamp`, -1 where null."""
    series = interactions[c.TIMESTAMP].cast(pl.Int64).fill_null(-1)
    return np.asarray(series.to_numpy(), np.int64)


def _vocabulary(touched: pl.Series, described: pl.Series) -> Vocabulary:
    return Vocabulary.sorted(pl.concat([touched.unique(), described], rechunk=False))


def _by_row(frame: pl.DataFrame, key: str, vocabulary: Vocabulary) -> pl.DataFrame:
    order = Vocabulary(frame[key]).rows(vocabulary.series)
    rows = pl.Series(order).replace(-1, None)
    others = frame.drop(key).select(pl.all().gather(rows)) if frame.width > 1 else pl.DataFrame()
    return pl.DataFrame({key: vocabulary.series}).hstack(others)

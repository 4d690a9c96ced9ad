"""A dataset: interactions, attributes of users and items, and the vocabularies over both."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
from narwhals.typing import IntoDataFrame

from palate import columns as c
from palate.config import Schema
from palate.data import frames
from palate.data.histories import Histories
from palate.data.vocabulary import Vocabulary
from palate.errors import DataError
from palate.types import Int64Array

__all__ = ["Dataset"]


@dataclass(frozen=True)
class Dataset:
    """Interactions plus what is known of users and items.

    Attributes:
        interactions: Columns of `frames.INTERACTIONS`: user_id, item_id, event (strings),
            value (float64, null where the event has none), timestamp (UTC microseconds,
            null where unknown). Order of rows is the order of arrival.
        items: One row an item: item_id and its attributes. May name items that nobody
            has touched.
        users: One row a user: user_id and attributes.
        schema: What the events are worth and what the attributes hold.
        item_vocabulary: Rows of items; covers `interactions` and `items`.
        user_vocabulary: Rows of users; covers `interactions` and `users`.
        name: For reports.
    """

    interactions: pl.DataFrame
    items: pl.DataFrame
    users: pl.DataFrame
    schema: Schema
    item_vocabulary: Vocabulary = field(repr=False)
    user_vocabulary: Vocabulary = field(repr=False)
    name: str = "dataset"

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
        return cls(
            events,
            item_rows,
            user_rows,
            declared,
            Vocabulary.sorted([*events[c.ITEM_ID].unique(), *item_rows[c.ITEM_ID]]),
            Vocabulary.sorted([*events[c.USER_ID].unique(), *user_rows[c.USER_ID]]),
            name,
        )

    def with_interactions(self, interactions: pl.DataFrame) -> Dataset:
        """The same users, items and vocabularies over other (canonical) interactions.

        Splits use this, so that rows mean the same in every part.
        """
        return Dataset(
            interactions,
            self.items,
            self.users,
            self.schema,
            self.item_vocabulary,
            self.user_vocabulary,
            self.name,
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
    def histories(self) -> Histories:
        """All interactions by user row, weighted by the schema."""
        return self.histories_of(self.interactions, self.user_vocabulary)

    def histories_of(self, interactions: pl.DataFrame, users: Vocabulary) -> Histories:
        """Weighted histories of canonical `interactions` over another user vocabulary.

        Items outside the item vocabulary are left out: no model knows them.
        """
        item_rows = self.item_vocabulary.rows(interactions[c.ITEM_ID].to_list())
        user_rows = users.rows(interactions[c.USER_ID].to_list())
        if (user_rows < 0).any():
            raise DataError("interactions name a user that the vocabulary does not")
        known = item_rows >= 0
        return Histories.from_entries(
            user_rows[known],
            item_rows[known],
            self._weights(interactions).to_numpy().astype(np.float32)[known],
            epoch_us(interactions)[known],
            n_users=len(users),
            n_items=self.n_items,
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
        """SHA-256 over the interactions and attributes, for the record of a run."""
        digest = hashlib.sha256()
        for frame in (self.interactions, self.items, self.users):
            digest.update(repr(frame.schema).encode())
            digest.update(frame.hash_rows(seed=0).to_numpy().tobytes())
        digest.update(self.schema.model_dump_json().encode())
        return digest.hexdigest()


def epoch_us(interactions: pl.DataFrame) -> Int64Array:
    """(n,) int64 microseconds since 1970 UTC of `timestamp`, -1 where null."""
    series = interactions[c.TIMESTAMP].cast(pl.Int64).fill_null(-1)
    return np.asarray(series.to_numpy(), np.int64)

"""Items of a dataset as news: titles, entities, and facts where none are given."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import polars as pl

from palate.data.dataset import Dataset
from palate.errors import DataError
from palate.models.knowledge import FACT
from palate.models.mentions import entity_of
from palate.models.words import words_of
from palate.types import AttributeKind

__all__ = ["NewsItems"]


@dataclass(frozen=True, slots=True)
class NewsItems:
    """What news say, (n_items) each by row of the vocabulary.

    Attributes:
        titles: String, null where there is none; the values of further attributes go before.
        entities: List of String, as `mentions.align` reads them; null where there are none.
    """

    titles: pl.Series
    entities: pl.Series

    @classmethod
    def of(
        cls, dataset: Dataset, *, title: str, entities: str, categories: tuple[str, ...]
    ) -> NewsItems:
        """Read the attributes.

        Args:
            dataset: Items with attributes.
            title: An attribute of text.
            entities: An attribute of lists; where items have no such one, none is mentioned.
            categories: Attributes whose values are words as well.

        Raises:
            DataError: An attribute is missing, or entities are no lists.
        """
        rows = dataset.items_by_row
        for name in (title, *categories):
            if name not in rows.columns:
                raise DataError(
                    f"the items have no attribute {name!r}",
                    hint=f"they have {', '.join(rows.columns[1:]) or 'none'}",
                )
        lists = pl.Series([None] * rows.height, dtype=pl.List(pl.String))
        if entities in rows.columns:
            lists = rows[entities]
            if not isinstance(lists.dtype, pl.List):
                raise DataError(
                    f"attribute {entities!r} holds no lists of entities",
                    hint=f'declare it under [items.{entities}]: kind = "categories"',
                )
        parts = [pl.col(name).cast(pl.String) for name in (*categories, title)]
        text = rows.select(pl.concat_str(parts, separator=" ", ignore_nulls=True)).to_series()
        return cls(text, lists)

    def words(self, *, at_least: int) -> pl.Series:
        """Distinct words of the titles of `at_least` items or more, sorted."""
        each = [sorted(set(words_of(title))) for title in self.titles.to_list()]
        flat = pl.Series("word", [w for words in each for w in words], dtype=pl.String)
        counts = flat.value_counts(name="items").filter(pl.col("items") >= at_least)
        return counts["word"].sort()

    def facts(self, dataset: Dataset) -> pl.DataFrame:
        """What the items themselves say of entities: head, relation, tail.

        Entities that one item mentions stand `with` each other, one after the other; an entity
        has each category of its items.
        """
        categories = [
            name
            for name, attribute in dataset.schema.items.items()
            if attribute.kind is AttributeKind.CATEGORY
        ]
        rows = []
        values = dataset.items_by_row.select(categories).rows()
        for mentioned, of_item in zip(self.entities.to_list(), values, strict=True):
            ids = [] if mentioned is None else [entity_of(mention) for mention in mentioned]
            rows += [(a, "with", b) for a, b in itertools.pairwise(ids) if a != b]
            for name, value in zip(categories, of_item, strict=True):
                if value is not None:
                    rows += [(entity, name, f"{name}={value}") for entity in ids]
        return pl.DataFrame(rows, schema=dict.fromkeys(FACT, pl.String), orient="row").unique(
            maintain_order=True
        )

"""Items read as news."""

from __future__ import annotations

import polars as pl

from palate.config import Attribute, Schema
from palate.data import Dataset
from palate.models.news_items import NewsItems
from palate.types import AttributeKind


def news() -> Dataset:
    return Dataset.from_frames(
        pl.DataFrame({"user_id": ["u"], "item_id": ["b"]}),
        items=pl.DataFrame(
            {
                "item_id": ["c", "a", "b"],
                "title": ["Third one", "The first", None],
                "section": ["sport", "art", "art"],
                "entities": [["Q1:third", "Q2", "Q2:one"], ["Q3:first"], None],
            },
            schema_overrides={"entities": pl.List(pl.String)},
        ),
        schema=Schema(
            items={
                "title": Attribute(kind=AttributeKind.TEXT),
                "section": Attribute(kind=AttributeKind.CATEGORY),
                "entities": Attribute(kind=AttributeKind.CATEGORIES),
            }
        ),
    )


def test_by_row_of_the_vocabulary() -> None:
    found = NewsItems.of(news(), title="title", entities="entities", categories=("section",))
    assert found.titles.to_list() == ["art The first", "art", "sport Third one"]
    assert found.entities.to_list() == [["Q3:first"], None, ["Q1:third", "Q2", "Q2:one"]]


def test_words_of_enough_items() -> None:
    found = NewsItems.of(news(), title="title", entities="none", categories=("section",))
    assert found.entities.null_count() == 3
    assert found.words(at_least=1).to_list() == ["art", "first", "one", "sport", "the", "third"]
    assert found.words(at_least=2).to_list() == ["art"]


def test_facts_that_the_items_state() -> None:
    dataset = news()
    found = NewsItems.of(dataset, title="title", entities="entities", categories=())
    assert found.facts(dataset).rows() == [
        ("Q3", "section", "section=art"),
        ("Q1", "with", "Q2"),
        ("Q1", "section", "section=sport"),
        ("Q2", "section", "section=sport"),
    ]

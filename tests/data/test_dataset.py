from __future__ import annotations

import polars as pl
import pytest

from palate.config import Attribute, EventType, Schema
from palate.data import Dataset, Vocabulary
from palate.data.dataset import epoch_us
from palate.errors import DataError
from palate.types import AttributeKind


def test_vocabularies_cover_interactions_and_attributes(shop: Dataset) -> None:
    assert shop.item_vocabulary.ids == ("a", "b", "c", "d")
    assert shop.user_vocabulary.ids == ("u1", "u2", "u3")
    assert (shop.n_users, shop.n_items, len(shop)) == (3, 4, 6)
    assert shop.user_rows.tolist() == [0, 0, 0, 1, 1, 2]
    assert shop.item_rows.tolist() == [0, 1, 0, 1, 1, 2]


def test_histories_weigh_events_by_the_schema(shop: Dataset) -> None:
    schema = Schema(events={"click": EventType(weight=0.5), "buy": EventType(value="multiply")})
    weighted = Dataset.from_frames(shop.interactions, schema=schema)
    assert weighted.histories.matrix().toarray().tolist() == [[5.5, 0.5, 0], [0, 1, 0], [0, 0, 2]]


def test_an_event_that_no_setting_names_weighs_one(shop: Dataset) -> None:
    plain = Dataset.from_frames(shop.interactions, schema=Schema())
    assert plain.histories.values.tolist() == [1.0] * 6


def test_a_missing_value_multiplies_by_one() -> None:
    frame = pl.DataFrame({"user_id": ["u"], "item_id": ["a"]})
    schema = Schema(events={"interaction": EventType(weight=3, value="multiply")})
    assert Dataset.from_frames(frame, schema=schema).histories.values.tolist() == [3.0]


def test_histories_of_other_users(shop: Dataset) -> None:
    frame = shop.interactions.with_columns(
        pl.lit("visitor").alias("user_id"), pl.col("item_id").replace("a", "unknown")
    )
    histories = shop.histories_of(frame, Vocabulary(["visitor"]))
    assert histories.items.tolist() == [2, 1, 1, 1]  # c at 5, b at 15, 20, 25; a is unknown
    with pytest.raises(DataError, match="'visitor'"):
        shop.histories_of(frame, Vocabulary(["u1"]))


def test_attributes_by_row(shop: Dataset) -> None:
    assert shop.items_by_row.rows() == [
        ("a", "Alpha", 1.0), ("b", None, None), ("c", None, None), ("d", "Delta", 4.0),
    ]  # fmt: skip
    assert shop.users_by_row["age"].to_list() == [None, 30.0, None]
    bare = Dataset.from_frames(shop.interactions)
    assert bare.items_by_row.rows() == [("a",), ("b",), ("c",)]


def test_declared_attributes_are_typed(shop: Dataset) -> None:
    declared = {
        "title": Attribute(kind=AttributeKind.CATEGORIES, separator="l"),
        "missing": Attribute(kind=AttributeKind.TIME),
    }
    typed = Dataset.from_frames(shop.interactions, items=shop.items, schema=Schema(items=declared))
    assert typed.items["title"].to_list() == [["De", "ta"], ["A", "pha"]]
    assert typed.items["missing"].null_count() == 2


def test_with_interactions_keeps_rows(shop: Dataset) -> None:
    part = shop.with_interactions(shop.interactions.head(1))
    assert part.item_vocabulary is shop.item_vocabulary
    assert (len(part), part.n_items, part.histories.n_users) == (1, 4, 3)


def test_compact_forgets_what_nobody_touched(shop: Dataset) -> None:
    small = shop.with_interactions(shop.interactions.head(3)).compact()
    assert small.item_vocabulary.ids == ("a", "b")
    assert small.user_vocabulary.ids == ("u1",)
    assert small.items["item_id"].to_list() == ["a"]
    assert small.users.is_empty()


def test_one_user_one_item() -> None:
    one = Dataset.from_frames(pl.DataFrame({"user_id": [7], "item_id": [9]}))
    assert one.histories.matrix().toarray().tolist() == [[1.0]]
    assert epoch_us(one.interactions).tolist() == [-1]


def test_the_checksum_tells_data_apart(shop: Dataset) -> None:
    def rebuilt(frame: pl.DataFrame, schema: Schema = shop.schema) -> str:
        return Dataset.from_frames(
            frame, items=shop.items.reverse(), users=shop.users, schema=schema
        ).checksum

    frame = shop.interactions
    assert rebuilt(frame) == shop.checksum  # attributes count by id, not by row
    changed = {
        rebuilt(frame.reverse()),
        rebuilt(frame.head(5)),
        rebuilt(frame.with_columns(pl.col("value") + 1)),
        rebuilt(frame.with_columns(pl.col("timestamp").dt.offset_by("1us"))),
        rebuilt(frame.with_columns(pl.col("event").replace("buy", "get"))),
        rebuilt(frame, shop.schema.model_copy(update={"events": {}})),
    }
    assert len(changed | {shop.checksum}) == 7


def test_the_checksum_is_the_same_everywhere(shop: Dataset) -> None:
    """A fixed figure: runs on record stay comparable across versions and machines."""
    assert shop.checksum == "06f1f94aa78ad901593741c9aaa3b5d370f7f803f6c2b13db8b98d97254b431e"


def test_datasets_compare_by_identity(shop: Dataset) -> None:
    assert shop == shop  # frames have no truth value
    assert shop != shop.with_interactions(shop.interactions)
    assert len({shop, shop}) == 1

"""Items as a log has them: what they are known as last, and what they were when dealt with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from palate.config import Attribute, EventType, Schema
from palate.data import Dataset
from palate.data.catalogue import Catalogue
from palate.data.from_log import dataset_from_records
from palate.errors import DataError
from palate.events.log.base import Record
from palate.events.schema import Event
from palate.types import AttributeKind

SCHEMA = Schema(events={"view": EventType()}, items={"price": Attribute(kind=AttributeKind.NUMBER)})


def listed(item: str, price: float | str) -> Event:
    return Event(event="item.upserted", item_id=item, attributes={"price": price})


def sold(item: str) -> Event:
    return Event(event="item.deleted", item_id=item)


def view(item: str, user: str = "u") -> Event:
    return Event(event="view", user_id=user, item_id=item)


def followed(*events: Event, offsets: list[int] | None = None) -> Catalogue:
    catalogue = Catalogue()
    for offset, event in zip(offsets or range(1, len(events) + 1), events, strict=True):
        catalogue.take(Record(offset, event))
        if event.event == "view" and event.item_id is not None:
            catalogue.deal(event.item_id)
    return catalogue


def said(catalogue: Catalogue) -> list[str | None]:
    """The attributes at each dealing; None where they are what is known last."""
    versions = catalogue.versions()
    dealt = catalogue.dealt().to_list()
    if versions is None:
        assert set(dealt) <= {None}
        return dealt
    texts = versions["attributes"].to_list()
    return [None if row is None else texts[row] for row in dealt]


def test_what_never_changes_has_no_versions() -> None:
    catalogue = followed(listed("a", 1), view("a"), view("a"), view("never listed"))
    assert catalogue.versions() is None
    assert catalogue.known_last() == {"a": {"price": 1}}


def test_each_dealing_says_what_the_item_was() -> None:
    catalogue = followed(
        view("a"), listed("a", 1), view("a"), listed("a", 2), view("a"), listed("a", 3), view("a")
    )
    assert said(catalogue) == ["{}", '{"price":1}', '{"price":2}', None]
    assert catalogue.versions()["item_id"].to_list() == ["a"] * 3  # type: ignore[index]


def test_versions_that_nobody_dealt_with_are_not_kept() -> None:
    catalogue = followed(listed("a", 1), listed("a", 2), view("a"), listed("a", 3), listed("a", 4))
    assert said(catalogue) == ['{"price":2}']


def test_what_changes_back_is_what_is_known_last() -> None:
    catalogue = followed(listed("a", 1), view("a"), listed("a", 2), listed("a", 1), view("a"))
    assert said(catalogue) == [None, None]


def test_a_sold_item_is_known_as_it_was_and_says_nothing_afterwards() -> None:
    catalogue = followed(listed("a", 1), view("a"), sold("a"), view("a"), sold("never dealt with"))
    assert catalogue.known_last() == {"a": {"price": 1}}
    assert said(catalogue) == [None, "{}"]


def test_a_sold_item_that_nobody_dealt_with_is_gone() -> None:
    assert followed(listed("a", 1), sold("a"), view("b")).known_last() == {}


def test_the_oldest_version_left_stands_for_those_that_were_dropped() -> None:
    events = view("a"), listed("a", 2), listed("a", 3), view("b")
    assert said(followed(*events)) == ["{}", None]
    assert said(followed(*events, offsets=[2, 3, 4, 5])) == ['{"price":2}', None]
    assert said(followed(*events, offsets=[1, 3, 4, 5])) == ['{"price":2}', None]


@pytest.fixture
def changed() -> Dataset:
    """u views a for 1, then b; a costs 2 when v views it, and 3 at last."""
    events = [
        listed("a", 1), listed("b", 9), view("a"), view("b"),
        listed("a", 2), view("a", "v"), listed("a", "3"), view("a", "v"),
    ]  # fmt: skip
    schema = SCHEMA.model_copy(update={"items": {"price": Attribute(kind=AttributeKind.CATEGORY)}})
    return dataset_from_records([Record(n, e) for n, e in enumerate(events, 1)], schema)


def test_histories_name_rows_behind_the_items(changed: Dataset) -> None:
    a, b = changed.item_vocabulary.rows(["a", "b"])
    n = changed.n_items
    assert changed.earlier_attributes == [{"price": 1}, {"price": 2}]
    histories = changed.histories
    assert histories.items.tolist() == [a, b, a, a]
    assert histories.versions is not None
    assert histories.versions.tolist() == [n, b, n + 1, a]
    (of_v,) = changed.user_vocabulary.rows(["v"])
    for part in (histories.select(np.array([of_v])), histories.slice(of_v, of_v + 1)):
        assert part.versions is not None
        assert part.versions.tolist() == [n + 1, a]
    assert histories.as_known_last().versions is None
    others = changed.histories_of(changed.interactions, changed.user_vocabulary)
    assert others.versions is None


def test_fewer_items_move_the_rows(changed: Dataset) -> None:
    only_v = changed.with_interactions(changed.interactions.filter(pl.col("user_id") == "v"))
    small = only_v.compact()
    assert small.n_items == 1
    assert small.histories.versions is not None
    assert small.histories.versions.tolist() == [small.n_items + 1, 0]


def test_versions_are_saved_and_count_in_the_checksum(changed: Dataset, tmp_path: Path) -> None:
    changed.save(tmp_path)
    loaded = Dataset.load(tmp_path)
    assert loaded.checksum == changed.checksum
    assert loaded.item_versions is not None
    assert loaded.item_versions.equals(changed.item_versions)  # type: ignore[arg-type]
    altered = loaded.item_versions.with_columns(pl.lit("{}").alias("attributes"))
    altered.write_parquet(tmp_path / "item_versions.parquet")
    with pytest.raises(DataError, match="was altered"):
        Dataset.load(tmp_path)


def test_saving_over_it_leaves_no_versions(changed: Dataset, tmp_path: Path) -> None:
    changed.save(tmp_path)
    plain = dataset_from_records([Record(1, view("a"))], SCHEMA)
    plain.save(tmp_path)
    assert Dataset.load(tmp_path).item_versions is None


def test_an_earlier_value_of_a_wrong_type_is_no_error() -> None:
    """The last one counts for the table of items; what it was before is told as it was."""
    events = [listed("a", "dear"), view("a"), listed("a", 2), view("a")]
    dataset = dataset_from_records([Record(n, e) for n, e in enumerate(events, 1)], SCHEMA)
    assert dataset.earlier_attributes == [{"price": "dear"}]

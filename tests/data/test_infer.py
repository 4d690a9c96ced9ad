from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from palate.data.infer import infer, infer_tables
from palate.errors import DataError
from palate.types import AttributeKind


def meanings(table: dict[str, list[Any]]) -> dict[str, str]:
    return dict(infer_tables(pl.DataFrame(table)).columns)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["user_id", "item_id"], ["user_id", "item_id"]),
        (["movieId", "userId"], ["item_id", "user_id"]),
        (
            ["user_id:token", "item_id:token", "timestamp:float"],
            ["user_id", "item_id", "timestamp"],
        ),
        (["Customer ID", "SKU", "quantity", "Date"], ["user_id", "item_id", "value", "timestamp"]),
        (["visitorid", "itemid", "event", "ts"], ["user_id", "item_id", "event", "timestamp"]),
    ],
)
def test_columns_by_name(names: list[str], expected: list[str]) -> None:
    found = meanings({n: ["1", "2"] for n in names})
    assert {theirs: ours for ours, theirs in found.items()} == dict(
        zip(names, expected, strict=True)
    )


def test_columns_by_content_are_the_first_that_could_be_ids() -> None:
    assert meanings({"x": [1.5], "who": ["a"], "what": [3]}) == {
        "user_id": "who",
        "item_id": "what",
    }
    with pytest.raises(DataError, match="looks like item_id"):
        meanings({"x": [1.5], "who": ["a"]})


def test_event_types_and_their_values() -> None:
    found = infer_tables(
        pl.DataFrame(
            {
                "user": ["u"] * 3,
                "item": ["i"] * 3,
                "action": ["view", "rate", "view"],
                "rating": [None, "4", None],
            }
        )
    )
    assert {n: e.value for n, e in found.schema.events.items()} == {
        "view": "ignore",
        "rate": "multiply",
    }
    priced = infer_tables(pl.DataFrame({"user": ["u"], "item": ["i"], "price": [9.0]}))
    assert priced.schema.events["interaction"].value == "ignore"
    rated = infer_tables(pl.DataFrame({"user": ["u"], "item": ["i"], "stars": [4]}))
    assert rated.schema.events["interaction"].value == "multiply"


def test_too_many_event_types_are_no_event_types() -> None:
    table = {"user": ["u"] * 60, "item": ["i"] * 60, "type": [f"t{i}" for i in range(60)]}
    with pytest.raises(DataError, match="60 distinct values"):
        meanings(table)


def test_what_is_left_out_is_said() -> None:
    found = infer_tables(pl.DataFrame({"user": ["u"], "item": ["i"], "mood": ["good"]}))
    assert [(g.column, g.meaning) for g in found.guesses][-1] == ("mood", "left out")


def files(folder: Path) -> dict[str, Path]:
    tables = {
        "ratings": pl.DataFrame({"userId": [1, 2], "movieId": [5, 6], "rating": [4, 5]}),
        "movies": pl.DataFrame({"movieId": [5, 6], "title": ["A film", "B film"]}),
        "people": pl.DataFrame({"userId": [1, 2], "age": [30, 40]}),
    }
    for name, table in tables.items():
        table.write_csv(folder / f"{name}.csv")
    return {name: folder / f"{name}.csv" for name in tables}


def test_files_in_any_order(tmp_path: Path) -> None:
    paths = files(tmp_path)
    found = infer([paths["people"], paths["movies"], paths["ratings"]])
    assert found.files == {
        "interactions": paths["ratings"], "items": paths["movies"], "users": paths["people"],
    }  # fmt: skip
    assert (found.item_key, found.user_key) == ("movieId", "userId")
    assert found.schema.items["title"].kind is AttributeKind.TEXT
    assert found.schema.users["age"].kind is AttributeKind.NUMBER


def test_one_file_holds_interactions_and_none_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("who,what\nu,i\n")
    assert infer([path]).columns == {"user_id": "who", "item_id": "what"}
    assert infer([]).schema.events == {}


def test_files_that_do_not_go_together(tmp_path: Path) -> None:
    paths = files(tmp_path)
    with pytest.raises(DataError, match="both look like items"):
        infer([paths["movies"], paths["movies"]])
    with pytest.raises(DataError, match="no file holds both"):
        infer([paths["movies"], paths["people"]])
    (tmp_path / "odd.csv").write_text("x,y\n1,2\n")
    with pytest.raises(DataError, match="names neither users nor items"):
        infer([paths["ratings"], tmp_path / "odd.csv"])


def test_keys_of_attributes() -> None:
    interactions = pl.DataFrame({"user": ["u"], "item": ["i"]})
    plain = infer_tables(interactions, items=pl.DataFrame({"name": ["x"], "id": [1]}))
    assert plain.item_key == "id"
    first = infer_tables(interactions, users=pl.DataFrame({"login": ["x"], "age": [1]}))
    assert first.user_key == "login"

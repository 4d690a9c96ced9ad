from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from palate.data import Dataset
from palate.data.sources import ml_100k
from palate.data.split import Given, split_given
from palate.errors import DataError

FRAME = pl.DataFrame({"user_id": [1, 1, 2], "item_id": [5, 6, 5]})
MARKS = pl.DataFrame({"user_id": [2, 1, 1], "item_id": [5, 6, 5], "is_test": [False, True, False]})
WHOLE = Dataset.from_frames(FRAME)


def test_marks_are_found_by_pair_not_by_row() -> None:
    parts = split_given(WHOLE, MARKS)
    assert parts.test.interactions["item_id"].to_list() == ["6"]
    assert parts.train.interactions["user_id"].to_list() == ["1", "2"]


@pytest.mark.parametrize("spelled", [["false", "true", "FALSE"], ["0", "1", "0"]])
def test_marks_from_a_text_file(tmp_path: Path, spelled: list[str]) -> None:
    path = tmp_path / "marks.csv"
    MARKS.with_columns(pl.Series("held", spelled)).drop("is_test").write_csv(path)
    parts = Given(path=path, column="held").split(WHOLE)
    assert parts.test.interactions["item_id"].to_list() == ["6"]


def test_every_repeat_of_a_pair_goes_the_same_way() -> None:
    twice = Dataset.from_frames(pl.concat([FRAME, FRAME]))
    assert len(split_given(twice, MARKS).test) == 2


@pytest.mark.parametrize(
    ("marks", "what"),
    [
        (MARKS.drop("is_test"), r"lacks \['is_test'\]"),
        (MARKS.head(2), r"says nothing of \('1', '5'\)"),
        (pl.concat([MARKS, MARKS]), "twice"),
        (MARKS.with_columns(pl.lit("maybe").alias("is_test")), "'maybe' in row 1, no boolean"),
        (MARKS.with_columns(pl.lit(0.5).alias("is_test")), "no boolean"),
    ],
)
def test_tables_that_do_not_fit(marks: pl.DataFrame, what: str) -> None:
    with pytest.raises(DataError, match=what):
        split_given(WHOLE, marks)


@pytest.mark.data
def test_the_benchmarks_split_of_movielens(palate_data: Path) -> None:
    folder = palate_data / "ml-100k"
    parts = Given(path=folder / "split_stratified75.parquet").split(ml_100k.read(folder))
    assert (len(parts.train), len(parts.test)) == (75_066, 24_934)

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from palate.config import Attribute
from palate.data.attributes import DTYPES, guess_kind, number_or_text, typed, typed_column
from palate.errors import DataError
from palate.types import AttributeKind

IDS = pl.Series(["x", "y", "z"])


def column(kind: AttributeKind, values: list[object], separator: str | None = None) -> list[object]:
    series = pl.Series("attr", values, strict=False)
    out = typed_column(series, Attribute(kind=kind, separator=separator), ids=IDS)
    assert out.dtype == DTYPES[kind]
    assert out.name == "attr"
    return out.to_list()


def test_categories_from_text_are_split_trimmed_and_distinct() -> None:
    assert column(AttributeKind.CATEGORIES, ["a | b|a", "", None], "|") == [["a", "b"], [], None]


def test_categories_without_a_separator_are_one_each() -> None:
    assert column(AttributeKind.CATEGORIES, ["a|b", "c", None]) == [["a|b"], ["c"], None]


def test_categories_from_lists() -> None:
    assert column(AttributeKind.CATEGORIES, [[1, 2], [], None]) == [["1", "2"], [], None]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, None], ["1", "2", None]),
        ([1.0, 2.0, None], ["1", "2", None]),  # pandas: integers with a gap
        ([1.0, float("nan"), 3.0], ["1", None, "3"]),
        ([1.5, float("nan"), 3.0], ["1.5", None, "3.0"]),
        ([True, False, None], ["true", "false", None]),
        (["a", "", None], ["a", "", None]),
    ],
)
def test_a_category_is_text(values: list[object], expected: list[object]) -> None:
    assert column(AttributeKind.CATEGORY, values) == expected


def test_numbers_from_text_and_nan_is_unknown() -> None:
    assert column(AttributeKind.NUMBER, ["1", "2.5", None]) == [1.0, 2.5, None]
    assert column(AttributeKind.NUMBER, [1.0, float("nan"), None]) == [1.0, None, None]


def test_times() -> None:
    day = datetime(2024, 1, 2, tzinfo=UTC)
    assert column(AttributeKind.TIME, ["2024-01-02", None, None]) == [day, None, None]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (AttributeKind.NUMBER, ["1", "many", None]),
        (AttributeKind.NUMBER, [1.0, float("inf"), None]),
        (AttributeKind.NUMBER, [None, [1], None]),
        (AttributeKind.TIME, ["2024-01-02", "soon", None]),
    ],
)
def test_another_kind_is_refused_with_the_id(kind: AttributeKind, values: list[object]) -> None:
    with pytest.raises(DataError, match=r"attribute 'attr' of 'y' holds"):
        column(kind, values)


def test_vectors() -> None:
    photo, ids = Attribute(kind=AttributeKind.VECTOR, size=2), IDS[:2]
    for given in ([[1.0, 2.0], None], [[1, 2], None]):
        out = typed_column(pl.Series("photo", given), photo, ids=ids)
        assert out.dtype == DTYPES[AttributeKind.VECTOR]
        assert out.to_list() == [[1.0, 2.0], None]
    for wrong in ([[1.0], None], [[1.0, float("nan")], None], [[1.0, None], None], ["1 2", None]):
        with pytest.raises(DataError, match=r"(?s)'photo' of 'x' holds .* no vector"):
            typed_column(pl.Series("photo", wrong), photo, ids=ids)


def test_a_vector_and_its_size_go_together() -> None:
    for kind, size in ((AttributeKind.VECTOR, None), (AttributeKind.NUMBER, 2)):
        with pytest.raises(ValueError, match="go together"):
            Attribute(kind=kind, size=size)


def test_a_list_is_no_category() -> None:
    with pytest.raises(DataError, match="holds lists") as caught:
        column(AttributeKind.CATEGORY, [["a"], None, None])
    assert "categories" in str(caught.value.hint)


def test_declared_attributes_are_columns_and_others_stay() -> None:
    frame = pl.DataFrame({"item_id": ["x"], "extra": [1]})
    sizes = {AttributeKind.VECTOR: 2}
    declared = {one.value: Attribute(kind=one, size=sizes.get(one)) for one in AttributeKind}
    out = typed(frame, "item_id", declared)
    assert out.schema == pl.Schema(
        {"item_id": pl.String(), "extra": pl.Int64()} | {k.value: DTYPES[k] for k in AttributeKind}
    )
    assert out.row(0) == ("x", 1, *[None] * len(AttributeKind))


def test_an_empty_table_is_typed_too() -> None:
    frame = pl.DataFrame(schema={"item_id": pl.String(), "g": pl.String()})
    out = typed(frame, "item_id", {"g": Attribute(kind=AttributeKind.CATEGORIES, separator="|")})
    assert out.schema["g"] == pl.List(pl.String())


@pytest.mark.parametrize(
    ("series", "kind"),
    [
        (pl.Series([1, 2]), AttributeKind.NUMBER),
        (pl.Series([["a"]]), AttributeKind.CATEGORIES),
        (pl.Series([datetime(2024, 1, 1)]), AttributeKind.TIME),
        (pl.Series([str(i) for i in range(200)]), AttributeKind.TEXT),
        (pl.Series(["a", "b"] * 100), AttributeKind.CATEGORY),
        (pl.Series([True]), AttributeKind.CATEGORY),
    ],
)
def test_kinds_are_guessed(series: pl.Series, kind: AttributeKind) -> None:
    assert guess_kind(series) is kind


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["1", None], pl.Int64()),
        (["1.5", "2"], pl.Float64()),
        (["0.5", "0"], pl.Float64()),
        (["01234", "99"], pl.String()),  # a zip code
        (["1", "x"], pl.String()),
        (["nan", "1"], pl.String()),
        ([None, None], pl.String()),
    ],
)
def test_text_becomes_numbers_where_all_of_it_is(
    values: list[str | None], dtype: pl.DataType
) -> None:
    assert number_or_text(pl.Series(values, dtype=pl.String)).dtype == dtype

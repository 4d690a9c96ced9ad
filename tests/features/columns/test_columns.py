"""Columns: reserved rows, batches and single rows alike, files, refusals."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.config import Attribute
from palate.errors import BundleError, ConfigError, DataError
from palate.features.columns import Columns, ColumnSpec, Encoded, specs_of
from palate.types import AttributeKind

CATEGORY, CATEGORIES = AttributeKind.CATEGORY, AttributeKind.CATEGORIES
NUMBER, TIME = AttributeKind.NUMBER, AttributeKind.TIME

SPECS = (
    ColumnSpec(name="make", kind=CATEGORY, side="item"),
    ColumnSpec(name="genres", kind=CATEGORIES, side="item", pool="root"),
    ColumnSpec(name="user", kind=CATEGORY, side="user", ids="hashed", buckets=7),
    ColumnSpec(name="price", kind=NUMBER, scale="log"),
    ColumnSpec(name="mileage", kind=NUMBER, bins=4),
    ColumnSpec(name="hour", source="at", kind=TIME, part="hour"),
    ColumnSpec(name="elapsed", source="at", kind=TIME),
)
SCHEMA = pl.Schema(
    {
        "make": pl.String(),
        "genres": pl.List(pl.String()),
        "user": pl.String(),
        "price": pl.Float64(),
        "mileage": pl.Float64(),
        "at": pl.Datetime("us", "UTC"),
    }
)
DAY = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
words = st.none() | st.sampled_from(["a", "b", "ü", "", "zz"])
finite = st.none() | st.floats(-1e6, 1e6) | st.just(float("nan"))
rows = st.lists(
    st.tuples(
        words,
        st.none() | st.lists(st.sampled_from(["x", "y", "z"]), max_size=4),
        words,
        finite,
        finite,
        st.none() | st.integers(0, 10**6).map(lambda s: DAY + dt.timedelta(seconds=s)),
    ),
    min_size=1,
    max_size=12,
)


def table(of: list[Any]) -> pl.DataFrame:
    return pl.DataFrame(of, schema=SCHEMA, orient="row")


def same(a: Encoded, b: Encoded) -> None:
    for name in ("indptr", "indices", "weights", "numbers", "offsets"):
        one, other = getattr(a, name), getattr(b, name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other, err_msg=name)


@settings(max_examples=60)
@given(rows, rows, st.integers(0, 12))
def test_a_batch_is_its_rows_and_its_parts(train: list[Any], asked: list[Any], at: int) -> None:
    columns = Columns.fit(table(train), SPECS)
    whole = columns.encode(table(asked))
    for row in range(len(asked)):
        same(columns.encode(table(asked[row : row + 1])), whole.take(np.array([row])))
    same(columns.encode(table(asked[:at])), whole.take(np.arange(min(at, len(asked)))))


@settings(max_examples=60)
@given(rows, rows)
def test_values_without_a_table_are_encoded_as_in_one(train: list[Any], asked: list[Any]) -> None:
    columns = Columns.fit(table(train), SPECS)
    parsed = {
        name: [list(dict.fromkeys(v)) if isinstance(v, list) else v for v in column]
        for name, column in zip(SCHEMA, zip(*asked, strict=True), strict=True)
    }
    same(columns.encode_parsed(parsed, len(asked)), columns.encode(table(asked)))


def test_no_values_are_encoded_as_no_rows() -> None:
    columns = Columns.fit(table([("a", ["x"], "b", 1.0, 2.0, DAY)]), SPECS)
    same(columns.encode_parsed({name: [] for name in SCHEMA}, 0), columns.encode(table([])))


@settings(max_examples=60)
@given(rows, rows)
def test_what_is_encoded_is_in_bounds(train: list[Any], asked: list[Any]) -> None:
    columns = Columns.fit(table(train), SPECS)
    found = columns.encode(table(asked))
    assert len(found) == len(asked)
    assert found.indptr[-1] == len(found.indices) == len(found.weights)
    assert np.isfinite(found.weights).all()
    assert ((found.indices >= 0) & (found.indices < columns.n_features)).all()
    # Fields stand in order within a row, and every field but the list of genres has an entry.
    fields, of = found.fields(), found.rows()
    assert (np.diff(fields)[np.diff(of) == 0] >= 0).all()
    for field in set(range(len(SPECS))) - {1}:
        assert set(of[fields == field]) == set(range(len(asked)))
    assert found.numbers.shape == (len(asked), len(columns.numbers))


@settings(max_examples=30)
@given(rows, rows)
def test_files_bring_back_the_same_columns(train: list[Any], asked: list[Any]) -> None:
    import tempfile

    columns = Columns.fit(table(train), SPECS)
    with tempfile.TemporaryDirectory() as folder:
        columns.save(Path(folder))
        loaded = Columns.load(Path(folder))
    assert loaded.specs == columns.specs
    same(loaded.encode(table(asked)), columns.encode(table(asked)))
    labels = [columns.label(i) for i in range(columns.n_features)]
    assert [loaded.label(i) for i in range(columns.n_features)] == labels


def test_the_rows_of_a_table_by_hand() -> None:
    train = pl.DataFrame({"make": ["vw", "fiat", "vw"], "genres": [["a"], ["b", "a"], ["a"]]})
    columns = Columns.fit(train, SPECS[:2])
    np.testing.assert_array_equal(columns.offsets, [0, 4, 8])
    labels = ["missing", "unseen", "vw", "fiat"]  # the most frequent first
    assert [columns.label(i) for i in range(4)] == [f"make={name}" for name in labels]
    assert [columns.label(i) for i in (6, 7)] == ["genres=a", "genres=b"]
    found = columns.encode(
        pl.DataFrame(
            {
                "make": ["fiat", None, "new", "vw"],
                "genres": [["b", "a"], None, [], ["new", "a"]],
            }
        )
    )
    np.testing.assert_array_equal(found.indptr, [0, 3, 5, 6, 9])
    np.testing.assert_array_equal(found.indices, [3, 7, 6, 0, 4, 1, 2, 5, 6])
    root = np.float32(1 / np.sqrt(2))
    np.testing.assert_array_equal(found.weights, [1, root, root, 1, 1, 1, 1, root, root])
    np.testing.assert_array_equal(found.fields(), [0, 1, 1, 0, 1, 0, 0, 1, 1])
    assert found.numbers.shape == (4, 0)


@pytest.mark.parametrize(("pool", "weight"), [("mean", 1 / 3), ("root", 3**-0.5), ("sum", 1.0)])
def test_the_weight_of_one_among_several(pool: Any, weight: float) -> None:
    frame = pl.DataFrame({"g": [["a", "b", "c"]]})
    found = Columns.fit(frame, [ColumnSpec(name="g", kind=CATEGORIES, pool=pool)]).encode(frame)
    np.testing.assert_array_equal(found.weights, np.full(3, weight, np.float32))


def test_rare_values_share_the_row_of_unseen_ones() -> None:
    frame = pl.DataFrame({"make": ["vw", "vw", "rare"]})
    columns = Columns.fit(frame, [ColumnSpec(name="make", kind=CATEGORY, min_count=2)])
    assert columns.n_features == 3
    np.testing.assert_array_equal(columns.encode(frame).indices, [2, 2, 1])


def test_a_hash_is_the_same_everywhere() -> None:
    """Rows that were written down once; a changed hash would make saved models wrong."""
    columns = Columns.fit(pl.DataFrame({"user": ["a"]}), [SPECS[2]])
    asked = pl.DataFrame({"user": ["a", "b", "ü", "never seen", None]})
    np.testing.assert_array_equal(columns.encode(asked).indices, [2 + 4, 2 + 0, 2 + 3, 2 + 1, 0])


def test_a_large_vocabulary_answers_one_row_as_many() -> None:
    """Above some size a single row is looked up in another way."""
    frame = pl.DataFrame({"id": [f"i{i}" for i in range(1000)]})
    columns = Columns.fit(frame, [ColumnSpec(name="id", kind=CATEGORY)])
    whole = columns.encode(frame)
    one = columns.encode(frame[500])
    np.testing.assert_array_equal(one.indices, whole.indices[500:501])
    assert columns.encode(pl.DataFrame({"id": [None]}, {"id": pl.String})).indices.tolist() == [0]


def test_numbers_as_categories_do_not_depend_on_the_dtype() -> None:
    columns = Columns.fit(pl.DataFrame({"tab": [1, 2, 2]}), [ColumnSpec(name="tab", kind=CATEGORY)])
    for column in ([1, 2], [1.0, 2.0], ["1", "2"]):
        assert columns.encode(pl.DataFrame({"tab": column})).indices.tolist() == [3, 2]
    mixed = columns.encode(pl.DataFrame({"tab": [1.0, 2.5, float("nan")]}))
    assert mixed.indices.tolist() == [3, 1, 0]
    flags = pl.DataFrame({"tab": [True, False]})
    as_text = pl.DataFrame({"tab": ["true", "false"]})
    spec = [ColumnSpec(name="tab", kind=CATEGORY)]
    same(Columns.fit(flags, spec).encode(as_text), Columns.fit(flags, spec).encode(flags))


def test_a_separator_splits_text() -> None:
    spec = ColumnSpec(name="g", kind=CATEGORIES, separator="|")
    columns = Columns.fit(pl.DataFrame({"g": ["a|b", "a"]}), [spec])
    assert columns.encode(pl.DataFrame({"g": ["b|a"]})).indices.tolist() == [3, 2]


def test_frames_of_pandas() -> None:
    frame = pl.DataFrame({"make": ["vw", None], "price": [1.0, None], "mileage": [2.0, 3.0]})
    specs = [SPECS[0], SPECS[3], SPECS[4]]
    columns = Columns.fit(frame.to_pandas(), specs)
    same(columns.encode(frame.to_pandas()), Columns.fit(frame, specs).encode(frame))


def test_an_attribute_that_no_column_reads_changes_nothing() -> None:
    frame = pl.DataFrame({"make": ["vw", "fiat"]})
    columns = Columns.fit(frame, [SPECS[0]])
    same(columns.encode(frame.with_columns(new=pl.lit("x"))), columns.encode(frame))


# ---------------------------------------------------------------------- refusals


def test_columns_that_make_no_sense() -> None:
    frame = pl.DataFrame({"make": ["vw"]})
    with pytest.raises(ConfigError, match="no columns"):
        Columns.fit(frame, [])
    with pytest.raises(ConfigError, match="two columns are called 'make'"):
        Columns.fit(frame, [SPECS[0], SPECS[0]])
    with pytest.raises(DataError, match="no rows"):
        Columns.fit(frame.clear(), [SPECS[0]])
    with pytest.raises(DataError, match="no column 'price'"):
        Columns.fit(frame, [SPECS[3]])
    with pytest.raises(DataError, match="feature 9"):
        Columns.fit(frame, [SPECS[0]]).label(9)


@pytest.mark.parametrize(
    ("column", "spec"),
    [
        ([1.0, float("inf")], ColumnSpec(name="x", kind=NUMBER)),
        ([1.0, float("-inf")], ColumnSpec(name="x", kind=NUMBER)),
        (["1", "many"], ColumnSpec(name="x", kind=NUMBER)),
        ([1.0, float("inf")], ColumnSpec(name="x", kind=CATEGORY)),
        (["2024-01-01", "soon"], ColumnSpec(name="x", kind=TIME)),
    ],
)
def test_a_value_not_of_the_kind_is_named_with_its_row(column: Any, spec: ColumnSpec) -> None:
    frame = pl.DataFrame({"x": column})
    columns = Columns.fit(frame.head(1), [spec])
    for attempt in (lambda: Columns.fit(frame, [spec]), lambda: columns.encode(frame)):
        with pytest.raises(DataError, match=r"'x'.*row 2"):
            attempt()


def test_lists_are_no_category() -> None:
    with pytest.raises(DataError, match="categories"):
        Columns.fit(pl.DataFrame({"make": [["a"]]}), [SPECS[0]])


def test_files_that_are_damaged(tmp_path: Path) -> None:
    Columns.fit(table([("a", ["x"], "b", 1.0, 2.0, DAY)]), SPECS).save(tmp_path)
    for name in ("columns.json", "columns.npz"):
        whole = (tmp_path / name).read_bytes()
        for damaged in (b"", whole[: len(whole) // 2]):
            (tmp_path / name).write_bytes(damaged)
            with pytest.raises(BundleError):
                Columns.load(tmp_path)
        (tmp_path / name).write_bytes(whole)
    text = (tmp_path / "columns.json").read_text()
    (tmp_path / "columns.json").write_text(text.replace('"format": 1', '"format": 2'))
    with pytest.raises(BundleError, match="format 2"):
        Columns.load(tmp_path)
    (tmp_path / "columns.json").write_text("[]")
    with pytest.raises(BundleError):
        Columns.load(tmp_path)


# ---------------------------------------------------------------------- specs


def test_specs_of_settings() -> None:
    attributes = {
        "genres": Attribute(kind=CATEGORIES, separator="|"),
        "title": Attribute(kind=AttributeKind.TEXT),
        "price": Attribute(kind=NUMBER, scale="log"),
        "cover": Attribute(kind=AttributeKind.IMAGE),
    }
    found = specs_of(attributes, side="item", bins=8, min_count=3)
    assert found == (
        ColumnSpec(name="genres", kind=CATEGORIES, side="item", separator="|", min_count=3),
        ColumnSpec(name="price", kind=NUMBER, side="item", scale="log", bins=8),
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "text"},
        {"kind": "image"},
        {"kind": "vector"},
        {"kind": "category", "ids": "hashed"},
        {"kind": "category", "buckets": 10},
        {"kind": "number", "ids": "hashed", "buckets": 10},
        {"kind": "category", "ids": "hashed", "buckets": 10, "min_count": 2},
        {"kind": "number", "bins": 1},
        {"kind": "category", "no_such_setting": 1},
    ],
)
def test_specs_that_contradict_themselves(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        ColumnSpec.model_validate({"name": "x", **wrong})

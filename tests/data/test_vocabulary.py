from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.data import Vocabulary
from palate.errors import BundleError, DataError

ids = st.lists(st.text(min_size=1), max_size=30)


@given(ids)
def test_rows_and_ids_are_inverse(names: list[str]) -> None:
    vocabulary = Vocabulary.sorted(names)
    assert list(vocabulary.ids) == sorted(set(names))
    for row, public in enumerate(vocabulary.ids):
        assert vocabulary.row(public) == row
        assert vocabulary.id(row) == public


@given(ids, ids)
def test_a_column_and_a_list_find_the_same_rows(known: list[str], asked: list[str]) -> None:
    vocabulary = Vocabulary.sorted(known)
    by_list = vocabulary.rows(asked)
    by_column = vocabulary.rows(pl.Series(asked, dtype=pl.String))
    assert by_list.dtype == by_column.dtype == np.int32
    np.testing.assert_array_equal(by_list, by_column)
    np.testing.assert_array_equal(by_list >= 0, [a in set(known) for a in asked])


@given(ids)
def test_a_column_sorts_as_a_list_does(names: list[str]) -> None:
    assert Vocabulary.sorted(pl.Series(names, dtype=pl.String)) == Vocabulary.sorted(names)


def test_unknown_and_null_ids_have_no_row() -> None:
    vocabulary = Vocabulary(["b", "a"])
    assert vocabulary.row("x") == -1
    assert vocabulary.rows(pl.Series(["a", None, "x", "b"])).tolist() == [1, -1, -1, 0]


def test_repeated_ids_are_refused() -> None:
    with pytest.raises(DataError, match="distinct"):
        Vocabulary(["a", "a"])


def test_it_is_a_set_with_order() -> None:
    vocabulary = Vocabulary(["b", "a"])
    assert "a" in vocabulary
    assert "c" not in vocabulary
    assert len(vocabulary) == 2
    assert vocabulary != Vocabulary(["a", "b"])
    assert hash(vocabulary) == hash(Vocabulary(["b", "a"]))
    assert vocabulary.series.to_list() == ["b", "a"]
    assert repr(vocabulary) == "Vocabulary(2 ids)"


@pytest.mark.parametrize("names", [[], ["a"], ["ü", "日本", "a\nb", "😀"]])
def test_what_was_saved_is_loaded(tmp_path: Path, names: list[str]) -> None:
    Vocabulary(names).save(tmp_path / "v.npz")
    assert Vocabulary.load(tmp_path / "v.npz") == Vocabulary(names)


@pytest.mark.parametrize("keep", [0, 3, 60, 200])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "v.npz"
    Vocabulary(["a", "b"]).save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BundleError, match="is not a vocabulary"):
        Vocabulary.load(path)


@pytest.mark.parametrize(
    ("text", "ends"), [(b"aa", [1, 2]), (b"ab", [1, 3]), (b"\xff", [1]), (b"ab", [])]
)
def test_an_altered_file_is_refused(tmp_path: Path, text: bytes, ends: list[int]) -> None:
    path = tmp_path / "v.npz"
    np.savez(path, text=np.frombuffer(text, np.uint8), ends=np.array(ends, np.int64))
    with pytest.raises(BundleError, match="is not a vocabulary"):
        Vocabulary.load(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is not a vocabulary"):
        Vocabulary.load(tmp_path / "none.npz")

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from palate.data.read import read_attributes, read_interactions, read_table
from palate.errors import DataError

CSV = "user_id,item_id,rating,timestamp\nu1,007,4.5,10\nu2,8,3,20\n"
JSONL = (
    '{"user_id": "u1", "item_id": "007", "rating": 4.5, "timestamp": 10}\n'
    '{"user_id": "u2", "item_id": "8", "rating": 3, "timestamp": 20}\n'
)
Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(name: str, content: str | bytes) -> Path:
        data = content.encode() if isinstance(content, str) else content
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return to_file


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", CSV),
        ("a.csv.gz", CSV),
        ("a.csv", "\ufeff" + CSV),
        ("a.csv", CSV.replace("\n", "\r\n")),
        ("a.tsv", CSV.replace(",", "\t")),
        ("a.jsonl", JSONL),
        ("a.ndjson.gz", JSONL),
    ],
)
def test_every_format_reads_the_same(write: Write, name: str, content: str) -> None:
    out = read_interactions(write(name, content), {"value": "rating"})
    assert out.select("user_id", "item_id", "value").rows() == [("u1", "007", 4.5), ("u2", "8", 3)]
    assert out["timestamp"].dt.epoch("s").to_list() == [10, 20]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    frame = pl.DataFrame({"user_id": [1], "item_id": [2], "rating": [3]})
    frame.write_parquet(path)
    assert read_table(path).equals(frame)
    assert read_interactions(path, {"value": "rating"})["value"].to_list() == [3.0]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl", "a.parquet"])
@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_file(write: Write, name: str, content: str) -> None:
    with pytest.raises(DataError, match=r"is empty|is not a Parquet file"):
        read_table(write(name, content))


def test_a_header_alone(write: Write) -> None:
    with pytest.raises(DataError, match=r"a\.csv: there are no interactions"):
        read_interactions(write("a.csv", CSV.splitlines()[0]), {"value": "rating"})


def test_one_user_one_item(write: Write) -> None:
    out = read_interactions(write("a.csv", "user_id,item_id\nu,i\n"))
    assert out.rows() == [("u", "i", "interaction", None, None)]


def test_duplicate_rows_stay(write: Write) -> None:
    assert read_interactions(write("a.csv", "user_id,item_id\nu,i\nu,i\n")).height == 2


def test_wrong_columns(write: Write) -> None:
    with pytest.raises(DataError, match=r"a\.csv: missing column 'user_id'.*'uid'") as caught:
        read_interactions(write("a.csv", "uid,item_id\nu,i\n"))
    assert "columns" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("rating", "what"),
    [
        ("good", "not a number in row 2"),
        ("NaN", "NaN or infinity in row 2"),
        ("", r"no value \(empty or NaN\).* in row 2"),
    ],
)
def test_a_bad_rating_is_named_with_its_row(write: Write, rating: str, what: str) -> None:
    path = write("a.csv", f"user_id,item_id,rating\nu,i,1\nu,j,{rating}\n")
    with pytest.raises(DataError, match=rf"a\.csv: column 'rating' holds .*{what}"):
        read_interactions(path, {"value": "rating"})


@pytest.mark.parametrize(
    ("first", "second"), [('"x"', "5"), ("true", "5.5"), ('"x"', "[1]"), ("[1]", '{"a": 1}')]
)
def test_mixed_types_in_json_name_column_and_line(write: Write, first: str, second: str) -> None:
    mixed = f'{{"item_id": {first}}}\n\n{{"item_id": null}}\n{{"item_id": {second}}}\n'
    with pytest.raises(DataError, match=r"'item_id' mixes types: .* in line 4, .* in line 1"):
        read_table(write("a.jsonl", mixed))


def test_json_columns(write: Write) -> None:
    path = write("a.jsonl", '{"n": 1, "g": ["a"]}\n{"n": 2.5, "t": "x"}\n')
    out = read_table(path)
    assert out.to_dict(as_series=False) == {
        "n": [1.0, 2.5],
        "g": [["a"], None],
        "t": [None, "x"],
    }


@pytest.mark.parametrize("odd", [str(10**40), '[1, "a"]'])
def test_json_that_no_column_holds(write: Write, odd: str) -> None:
    with pytest.raises(DataError, match="'n' cannot be read"):
        read_table(write("a.jsonl", f'{{"n": {odd}}}\n'))


@pytest.mark.parametrize(
    ("line", "what"), [("{nope", "line 2 is not JSON"), ("[1]", "line 2 is not a JSON object")]
)
def test_a_malformed_line_is_named(write: Write, line: str, what: str) -> None:
    with pytest.raises(DataError, match=what):
        read_table(write("a.jsonl", f'{{"user_id": "u"}}\n{line}\n'))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("a,b\n1,2,3\n", "cannot be read"),
        ('a,b\n"1,2\n', "cannot be read"),
        (b"a,b\n1,2\n\xff,4\n", "line 3 is not UTF-8"),
    ],
)
def test_a_malformed_csv(write: Write, content: str | bytes, what: str) -> None:
    with pytest.raises(DataError, match=what):
        read_table(write("a.csv", content))


def test_truncated_files(tmp_path: Path) -> None:
    whole = gzip.compress(CSV.encode() * 50)
    (tmp_path / "a.csv.gz").write_bytes(whole[:-20])
    with pytest.raises(DataError, match="not whole gzip"):
        read_table(tmp_path / "a.csv.gz")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="not a Parquet file"):
        read_table(tmp_path / "a.parquet")


def test_files_that_are_not_there_or_not_known(tmp_path: Path, write: Write) -> None:
    with pytest.raises(DataError, match="there is no file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="there is no file"):
        read_table(tmp_path)
    for name in ("a.xlsx", "a.parquet.gz", "a"):
        with pytest.raises(DataError, match="cannot tell what"):
            read_table(write(name, "x"))


def test_attributes_find_numbers_and_keep_zip_codes(write: Write) -> None:
    path = write("i.csv", "sku,price,zip,name\n1,2.5,01234,x\n1,3,99999,y\n2,,00001,z\n")
    out = read_attributes(path, "item_id", column="sku").sort("item_id")
    assert out.rows() == [("1", 3.0, "99999", "y"), ("2", None, "00001", "z")]


def test_attributes_without_their_key(write: Write) -> None:
    path = write("i.csv", "sku,price\n1,2\n")
    with pytest.raises(DataError, match=r"i\.csv: no column 'item_id'"):
        read_attributes(path, "item_id")
    with pytest.raises(DataError, match=r"i\.csv: no column 'id'"):
        read_attributes(path, "item_id", column="id")
    with pytest.raises(DataError, match="an empty id in row 1"):
        read_attributes(write("j.csv", "item_id,price\n,2\n"), "item_id")

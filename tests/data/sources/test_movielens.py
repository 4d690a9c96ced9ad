"""The three MovieLens sets: each layout by a few rows, the real copies by their figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from palate.data import Dataset
from palate.data.sources import ml_1m, ml_100k, ml_latest_small, source
from palate.errors import DataError


def write(folder: Path, files: dict[str, str], encoding: str = "latin-1") -> Path:
    for name, text in files.items():
        (folder / name).write_text(text, encoding=encoding)
    return folder


def flags(*genres: str) -> str:
    return "|".join("1" if g in genres else "0" for g in ml_100k.GENRES)


def test_100k_as_published(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {
            "u.data": "1\t10\t5\t881250949\n2\t11\t3\t891717742\n",
            "u.item": f"10|Misérables, Les (1995)|01-Jan-1995||http://x|{flags('Drama', 'War')}\n"
            f'11|"Quoted" Land (1995) (V)|01-Jan-1995||http://x|{flags("unknown")}\n',
            "u.user": "1|24|M|technician|85711\n2|53|F|other|94043\n",
        },
    )
    check_100k(ml_100k.read(folder))


def test_100k_from_the_wheel(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {
            "ml-100k.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
            "1\t10\t5\t881250949\n2\t11\t3\t891717742\n",
            "ml-100k.item": "item_id:token\tmovie_title:token_seq\trelease_year:token\t"
            "class:token_seq\n10\tMisérables, Les\t1995\tDrama War\n"
            '11\t"Quoted" Land\t1995\tunknown\n',
            "ml-100k.user": "user_id:token\tage:token\tgender:token\toccupation:token\t"
            "zip_code:token\n1\t24\tM\ttechnician\t85711\n2\t53\tF\tother\t94043\n",
        },
        "utf-8",
    )
    check_100k(ml_100k.read(folder))


def check_100k(dataset: Dataset) -> None:
    assert dataset.interactions.select("user_id", "item_id", "event", "value").rows() == [
        ("1", "10", "rating", 5.0),
        ("2", "11", "rating", 3.0),
    ]
    assert dataset.interactions["timestamp"].dt.epoch("s").to_list() == [881250949, 891717742]
    assert dataset.items.sort("item_id").rows() == [
        ("10", "Misérables, Les (1995)", ["Drama", "War"], 1995.0),
        ("11", '"Quoted" Land (1995)', [], 1995.0),
    ]
    assert dataset.users.rows() == [("1", 24.0, "M", "technician"), ("2", 53.0, "F", "other")]
    assert dataset.schema.events["rating"].value == "multiply"
    assert dataset.schema.items["genres"].kind == "categories"
    assert dataset.schema.users["age"].kind == "number"
    assert dataset.histories.values.tolist() == [5.0, 3.0]


def test_1m_as_published(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {
            "ratings.dat": "1::10::5::978300760\n",
            "movies.dat": "10::Cité: Part 2 (1995)::Comedy|Sci-Fi\n11::B (2000)::Drama\n",
            "users.dat": "1::F::1::10::48067\n",
        },
    )
    dataset = ml_1m.read(folder)
    assert dataset.interactions.drop("timestamp").rows() == [("1", "10", "rating", 5.0)]
    assert dataset.items.row(0) == ("10", "Cité: Part 2 (1995)", ["Comedy", "Sci-Fi"], 1995.0)
    assert dataset.users.rows() == [("1", 1.0, "F", "K-12 student")]
    assert dataset.n_items == 2


def test_1m_uses_estimated_times_where_true_ones_are_sparse(tmp_path: Path) -> None:
    pl.DataFrame(
        {
            "user_id": [1],
            "item_id": [10],
            "rating": [4],
            "timestamp_known": [None],
            "timestamp_est": [978300719],
        }
    ).write_parquet(tmp_path / "interactions.parquet")
    pl.DataFrame({"item_id": [10], "title": ["A (1995)"], "genres": ["Drama"]}).write_parquet(
        tmp_path / "items.parquet"
    )
    pl.DataFrame({"user_id": [1], "gender": ["F"], "age": [18], "occupation": [20]}).write_parquet(
        tmp_path / "users.parquet"
    )
    dataset = ml_1m.read(tmp_path)
    assert dataset.interactions["timestamp"].dt.epoch("s").to_list() == [978300719]
    assert dataset.users.rows() == [("1", 18.0, "F", "writer")]


def test_latest_small_as_published(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {
            "ratings.csv": "userId,movieId,rating,timestamp\n1,10,4.5,964982703\n",
            "movies.csv": 'movieId,title,genres\n10,"A, B (1995) ",Comedy|Drama\n'
            "11,Series (2006-2007),(no genres listed)\n",
        },
        "utf-8",
    )
    dataset = ml_latest_small.read(folder)
    assert dataset.interactions["value"].to_list() == [4.5]
    assert dataset.items.sort("item_id").rows() == [
        ("10", "A, B (1995)", ["Comedy", "Drama"], 1995.0),
        ("11", "Series (2006-2007)", [], None),
    ]


@pytest.mark.parametrize("read", [ml_100k.read, ml_1m.read, ml_latest_small.read])
def test_another_folder_is_refused(tmp_path: Path, read: object) -> None:
    (tmp_path / "readme.txt").touch()
    assert callable(read)
    with pytest.raises(DataError, match=r"none of the files.*readme\.txt"):
        read(tmp_path)


def test_a_missing_or_narrow_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"u.data": "1\t10\t5\t881250949\n"})
    with pytest.raises(DataError, match=r"u\.item cannot be read"):
        ml_100k.read(tmp_path)
    write(tmp_path, {"u.item": "10|A\n"})
    with pytest.raises(DataError, match=r"u\.item has 2 columns; 24 are needed"):
        ml_100k.read(tmp_path)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "touched", "first_title"),
    [
        ("ml-100k", 1_682, "Toy Story (1995)"),
        ("ml-1m", 3_706, "Toy Story (1995)"),
        ("ml-latest-small", 9_724, "Toy Story (1995)"),
    ],
)
def test_the_real_copies(
    palate_data: Path, tmp_path: Path, name: str, touched: int, first_title: str
) -> None:
    found = source(name)
    local = replace(found, origins=found.origins[-1:])  # nothing is asked over the network
    dataset = local.load(tmp_path, accept_licence=True, local=palate_data)  # checks the size
    summary = dataset.summary()
    assert summary.n_touched_items == touched
    assert list(summary.events) == ["rating"]
    assert dataset.interactions["timestamp"].null_count() == 0
    assert dataset.items.filter(pl.col("item_id") == "1")["title"].item() == first_title
    assert dataset.items["title"].null_count() == 0
    assert local.load(tmp_path, accept_licence=False).checksum == dataset.checksum

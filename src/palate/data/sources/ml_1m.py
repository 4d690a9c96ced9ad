"""MovieLens 1M: 1,000,209 ratings of 6,040 users on 3,706 of 3,883 films, 2000 to 2003."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from palate import columns as c
from palate.data.dataset import Dataset
from palate.data.read import read_table
from palate.data.sources import movielens
from palate.data.sources.base import Size, Source
from palate.data.sources.origins import LocalFolder, Publisher
from palate.types import AttributeKind

__all__ = ["SOURCE", "read"]

KINDS: Final = {
    "age": AttributeKind.NUMBER,
    "gender": AttributeKind.CATEGORY,
    "occupation": AttributeKind.CATEGORY,
}
OCCUPATIONS: Final = (
    "other", "academic/educator", "artist", "clerical/admin", "college/grad student",
    "customer service", "doctor/health care", "executive/managerial", "farmer", "homemaker",
    "K-12 student", "lawyer", "programmer", "retired", "sales/marketing", "scientist",
    "self-employed", "technician/engineer", "tradesman/craftsman", "unemployed", "writer",
)  # fmt: skip


def read(folder: Path) -> Dataset:
    """From the publisher's files (ratings.dat), or Parquet.

    A user's age is the lower bound of a bracket: 1 (under 18), 18, 25, 35, 45, 50, 56.
    Parquet copies may have their true times in part only (`timestamp_known`); then the
    interpolated `timestamp_est` is used. It is good for a rough order in time: models whose
    weights decay with time do not reproduce published figures on it.

    Raises:
        DataError: The folder holds neither, or damaged files.
    """
    if (folder / "ratings.dat").is_file():
        ratings, movies, users = _published(folder)
    elif (folder / "interactions.parquet").is_file():
        ratings, movies, users = _parquet(folder)
    else:
        raise movielens.refuse_layout(folder)
    job = pl.col("occupation").cast(pl.String)
    codes = {str(code): name for code, name in enumerate(OCCUPATIONS)}
    named = users.select(c.USER_ID, "age", "gender", job.replace(codes))
    return movielens.dataset("ml-1m", ratings, movies, named, KINDS)


def _published(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Fields are separated by two colons; titles are Latin-1."""
    ratings = movielens.read_text(
        folder / "ratings.dat", (c.USER_ID, c.ITEM_ID, c.VALUE, c.TIMESTAMP), separator="::"
    )
    movies = movielens.read_text(
        folder / "movies.dat", (c.ITEM_ID, "title", "genres"), separator="::", encoding="latin-1"
    )
    users = movielens.read_text(
        folder / "users.dat", (c.USER_ID, "gender", "age", "occupation"), separator="::"
    )
    return ratings, movies, users


def _parquet(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    raw = read_table(folder / "interactions.parquet")
    times = "timestamp_est" if "timestamp_est" in raw.columns else c.TIMESTAMP
    ratings = raw.rename({"rating": c.VALUE, times: c.TIMESTAMP})
    return ratings, read_table(folder / "items.parquet"), read_table(folder / "users.parquet")


SOURCE: Final = Source(
    name="ml-1m",
    title="MovieLens 1M",
    homepage="https://grouplens.org/datasets/movielens/1m/",
    terms=movielens.TERMS,
    citation=movielens.CITATION,
    origins=(
        Publisher(
            url="https://files.grouplens.org/datasets/movielens/ml-1m.zip",
            sha256="a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
            folder="ml-1m",
        ),
        LocalFolder("ml-1m"),
    ),
    read=read,
    size=Size(n_events=1_000_209, n_users=6_040, n_items=3_883),
)

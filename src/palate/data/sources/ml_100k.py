"""MovieLens 100K: 100,000 ratings of 943 users on 1,682 films, 1997 to 1998."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from palate import columns as c
from palate.data.dataset import Dataset
from palate.data.read import read_table
from palate.data.sources import movielens
from palate.data.sources.base import Size, Source
from palate.data.sources.origins import LocalFolder, Publisher, Wheel
from palate.types import AttributeKind

__all__ = ["SOURCE", "read"]

GENRES: Final = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime",
    "Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance",
    "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
KINDS: Final = {
    "age": AttributeKind.NUMBER,
    "gender": AttributeKind.CATEGORY,
    "occupation": AttributeKind.CATEGORY,
}
RATINGS: Final = (c.USER_ID, c.ITEM_ID, c.VALUE, c.TIMESTAMP)


def read(folder: Path) -> Dataset:
    """From the publisher's files (u.data), the wheel's (ml-100k.inter), or Parquet.

    All three give the same dataset. Zip codes are left out: nearly one a person.

    Raises:
        DataError: The folder holds none of these, or damaged ones.
    """
    if (folder / "u.data").is_file():
        ratings, movies, users = _published(folder)
    elif (folder / "ml-100k.inter").is_file():
        ratings, movies, users = _atomic(folder)
    elif (folder / "interactions.parquet").is_file():
        ratings, movies, users = _parquet(folder)
    else:
        raise movielens.refuse_layout(folder)
    unmarked = pl.col("title").str.replace(r" \(V\)\s*$", "")  # IMDb's mark of a video
    movies = movies.with_columns(unmarked)
    return movielens.dataset("ml-100k", ratings, movies, users.select(c.USER_ID, *KINDS), KINDS)


def _published(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """u.data (tabs), u.item (bars, Latin-1, a flag a genre), u.user (bars)."""
    ratings = movielens.read_text(folder / "u.data", RATINGS, separator="\t")
    raw = movielens.read_text(
        folder / "u.item",
        (c.ITEM_ID, "title", "release_date", "video_date", "url", *GENRES),
        separator="|",
        encoding="latin-1",
    )
    flagged = [pl.when(pl.col(genre) == "1").then(pl.lit(genre)) for genre in GENRES]
    movies = raw.select(
        c.ITEM_ID, "title", pl.concat_str(flagged, separator="|", ignore_nulls=True).alias("genres")
    )
    users = movielens.read_text(
        folder / "u.user", (c.USER_ID, "age", "gender", "occupation"), separator="|"
    )
    return ratings, movies, users


def _atomic(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Tab-separated tables with a header, the year beside the title, genres by spaces."""
    tables = []
    for suffix, names in (
        ("inter", RATINGS),
        ("item", (c.ITEM_ID, "title", "year", "genres")),
        ("user", (c.USER_ID, "age", "gender", "occupation")),
    ):
        path = folder / f"ml-100k.{suffix}"
        tables.append(movielens.read_text(path, names, separator="\t").slice(1))
    ratings, items, users = tables
    dated = pl.col("year").str.contains(r"^\d{4}$")
    movies = items.with_columns(
        pl.when(dated)
        .then(pl.format("{} ({})", "title", "year"))
        .otherwise("title")
        .alias("title"),
        pl.col("genres").str.replace_all(" ", "|"),
    )
    return ratings, movies.with_columns(pl.col("title").replace("unkonwn", "unknown")), users


def _parquet(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    ratings = read_table(folder / "interactions.parquet").rename({"rating": c.VALUE})
    return ratings, read_table(folder / "items.parquet"), read_table(folder / "users.parquet")


SOURCE: Final = Source(
    name="ml-100k",
    title="MovieLens 100K",
    homepage="https://grouplens.org/datasets/movielens/100k/",
    terms=movielens.TERMS,
    citation=movielens.CITATION,
    origins=(
        Publisher(
            url="https://files.grouplens.org/datasets/movielens/ml-100k.zip",
            sha256="50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
            folder="ml-100k",
        ),
        Wheel(
            requirement="recbole==1.2.1",
            folder="recbole/dataset_example/ml-100k",
            sha256={
                "ml-100k.inter": "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff",
                "ml-100k.item": "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532",
                "ml-100k.user": "4f670007d9cfbeb9807e757209af1555b9bcc186bde25e767f67cb67c6dd5972",
            },
        ),
        LocalFolder("ml-100k"),
    ),
    read=read,
    size=Size(n_events=100_000, n_users=943, n_items=1_682),
)

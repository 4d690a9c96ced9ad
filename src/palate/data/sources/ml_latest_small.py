"""MovieLens latest-small (September 2018): 100,836 ratings of 610 users on 9,742 films."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from palate import columns as c
from palate.data.dataset import Dataset
from palate.data.read import read_table
from palate.data.sources import movielens
from palate.data.sources.base import Size, Source
from palate.data.sources.origins import LocalFolder, Publisher

__all__ = ["SOURCE", "read"]


def read(folder: Path) -> Dataset:
    """From the publisher's files (ratings.csv), or Parquet with the same columns.

    Ratings go from 0.5 to 5 stars. Nothing is known of the users. Eighteen films have no
    rating.

    Raises:
        DataError: The folder holds neither, or damaged files.
    """
    if (folder / "ratings.csv").is_file():
        ratings, movies = read_table(folder / "ratings.csv"), read_table(folder / "movies.csv")
    elif (folder / "interactions.parquet").is_file():
        ratings = read_table(folder / "interactions.parquet")
        movies = read_table(folder / "items.parquet")
    else:
        raise movielens.refuse_layout(folder)
    return movielens.dataset(
        "ml-latest-small",
        ratings.rename({"userId": c.USER_ID, "movieId": c.ITEM_ID, "rating": c.VALUE}),
        movies.rename({"movieId": c.ITEM_ID}),
    )


SOURCE: Final = Source(
    name="ml-latest-small",
    title="MovieLens latest-small",
    homepage="https://grouplens.org/datasets/movielens/latest/",
    terms=movielens.TERMS,
    citation=movielens.CITATION,
    origins=(
        Publisher(
            url="https://files.grouplens.org/datasets/movielens/ml-latest-small.zip",
            sha256="696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436",
            folder="ml-latest-small",
        ),
        LocalFolder("ml-latest-small"),
    ),
    read=read,
    size=Size(n_events=100_836, n_users=610, n_items=9_742),
)

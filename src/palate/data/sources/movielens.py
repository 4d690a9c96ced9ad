"""What the MovieLens sets have in common: terms, citation, schema, titles and genres."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from palate import columns as c
from palate.config import Attribute, EventType, Schema
from palate.data.dataset import Dataset
from palate.errors import DataError
from palate.types import AttributeKind

__all__ = ["CITATION", "RATING", "TERMS", "dataset", "read_text", "refuse_layout"]

RATING: Final = "rating"
TERMS: Final = (
    "For research; the GroupLens group at the University of Minnesota must be acknowledged in "
    "publications, and neither redistribution nor commercial use is allowed without its "
    "permission; it gives no guarantee of correctness or fitness."
)
CITATION: Final = (
    "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and "
    "Context. ACM Transactions on Interactive Intelligent Systems 5, 4, Article 19. "
    "https://doi.org/10.1145/2827872"
)
NO_GENRE: Final = ("unknown", "(no genres listed)")
ITEMS: Final = {
    "title": Attribute(kind=AttributeKind.TEXT),
    "genres": Attribute(kind=AttributeKind.CATEGORIES, separator="|"),
    "year": Attribute(kind=AttributeKind.NUMBER),
}


def dataset(
    name: str,
    ratings: pl.DataFrame,
    movies: pl.DataFrame,
    users: pl.DataFrame | None = None,
    kinds: Mapping[str, AttributeKind] | None = None,
) -> Dataset:
    """A dataset of events "rating", whose value multiplies a weight of 1.

    Args:
        name: Of the set.
        ratings: user_id, item_id, value (stars), timestamp (seconds since 1970).
        movies: item_id, title with the year in brackets at its end, genres separated by `|`.
        users: user_id and attributes.
        kinds: Of the users' attributes.
    """
    title = pl.col("title").str.strip_chars()
    year = pl.col("title").str.extract_all(r"\(\d{4}\)").list.last().str.strip_chars("()")
    items = movies.select(
        c.ITEM_ID,
        title,
        pl.when(pl.col("genres").is_in(NO_GENRE))
        .then(pl.lit(""))
        .otherwise("genres")
        .alias("genres"),
        year.alias("year"),
    )
    return Dataset.from_frames(
        ratings.with_columns(pl.lit(RATING).alias(c.EVENT)),
        items=items,
        users=users,
        schema=Schema(
            events={RATING: EventType(weight=1.0, value="multiply")},
            items=ITEMS,
            users={n: Attribute(kind=kind) for n, kind in (kinds or {}).items()},
        ),
        name=name,
    )


def read_text(
    path: Path, names: tuple[str, ...], *, separator: str, encoding: str = "utf-8"
) -> pl.DataFrame:
    """A headless text table whose first columns are `names`, all text.

    Args:
        path: One of the publisher's files.
        names: Of the leading columns.
        separator: One character or more.
        encoding: Of the file.

    Raises:
        DataError: The file is missing or malformed.
    """
    try:
        content = path.read_bytes().decode(encoding)
        table = pl.read_csv(
            content.replace(separator, "\t").encode(),
            separator="\t",
            has_header=False,
            quote_char=None,
            infer_schema=False,
        )
    except (OSError, UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path.name} cannot be read: {error}") from error
    if table.width < len(names):
        raise DataError(f"{path.name} has {table.width} columns; {len(names)} are needed")
    return table.rename(dict(zip(table.columns, names, strict=False)))


def refuse_layout(folder: Path) -> DataError:
    """The error for a folder in which no known file was found."""
    present = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    return DataError(f"{folder.name} holds none of the files that were expected, but {present}")

"""The user's own files on the command line: which column is what, and a dataset of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from palate.errors import ConfigError, DataError

if TYPE_CHECKING:
    from palate.config import Schema
    from palate.data.dataset import Dataset
    from palate.data.infer import Inferred

__all__ = ["UserFiles", "column_names", "load_files"]

IDS = ("user_id", "item_id")
SAMPLE_ROWS = 20_000  # looked at to find out what columns hold


@dataclass(frozen=True)
class UserFiles:
    """Files to import.

    Attributes:
        interactions: One or more of the same columns.
        items: Attributes of items.
        users: Attributes of users.
        columns: Canonical name to the column's name in `interactions`, as far as given.
    """

    interactions: Sequence[Path]
    items: Path | None
    users: Path | None
    columns: Mapping[str, str]


def column_names(text: str | None) -> dict[str, str]:
    """`user_id=uid,item_id=sku` as a mapping.

    Raises:
        ConfigError: A part is not NAME=COLUMN.
    """
    names = {}
    for pair in (text or "").split(","):
        canonical, equals, own = (part.strip() for part in pair.partition("="))
        if pair.strip() and not (canonical and equals and own):
            raise ConfigError(
                f"--columns {pair!r} is not NAME=COLUMN", hint="as in user_id=uid,item_id=sku"
            )
        if canonical:
            names[canonical] = own
    return names


def load_files(files: UserFiles, schema: Schema) -> tuple[Dataset, Inferred]:
    """The dataset that the files hold, and how they were understood.

    A column that nobody named is found by its name; never by its content, which would make
    an import of the wrong file succeed.

    Args:
        files: What to read.
        schema: Of the settings; where it declares nothing, it is inferred.

    Raises:
        DataError: A file is missing, empty or malformed, or has no column of users or items.
    """
    import polars as pl

    from palate import columns as c
    from palate.data.dataset import Dataset
    from palate.data.infer import infer_tables
    from palate.data.read import read_attributes, read_interactions, read_table

    def attributes(path: Path | None, key: str, column: str | None) -> pl.DataFrame | None:
        return None if path is None else read_attributes(path, key, column=column)

    first = read_table(files.interactions[0]).head(SAMPLE_ROWS)
    tables = {
        role: None if path is None else read_table(path).head(SAMPLE_ROWS)
        for role, path in (("items", files.items), ("users", files.users))
    }
    named = first.rename(
        {own: canonical for canonical, own in files.columns.items() if own in first.columns}
    )
    inferred = infer_tables(named, items=tables["items"], users=tables["users"])
    _refuse_guessed_ids(inferred, files.interactions[0], first.columns)
    columns = {**inferred.columns, **files.columns}
    dataset = Dataset.from_frames(
        pl.concat([read_interactions(path, columns) for path in files.interactions]),
        items=attributes(files.items, c.ITEM_ID, inferred.item_key),
        users=attributes(files.users, c.USER_ID, inferred.user_key),
        schema=schema if schema.events or schema.items or schema.users else inferred.schema,
        name=files.interactions[0].name,
    )
    return dataset, inferred


def _refuse_guessed_ids(inferred: Inferred, file: Path, columns: Sequence[str]) -> None:
    for guess in inferred.guesses:
        guessed = guess.table == "interactions" and guess.meaning in IDS
        if guessed and guess.reason != "by its name":
            raise DataError(
                f"{file}: no column is called {guess.meaning}; there are {', '.join(columns)}",
                hint=f"say which it is: --columns {guess.meaning}={guess.column}",
            )

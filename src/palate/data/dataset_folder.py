"""A dataset on disk: Parquet tables, vocabularies, and `dataset.json` written last."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import polars as pl
from pydantic import ValidationError

from palate.config import Schema
from palate.data.dataset import Dataset
from palate.data.vocabulary import Vocabulary
from palate.errors import BundleError, DataError

__all__ = ["FORMAT", "read", "write"]

FORMAT: Final = 1
HEAD: Final = "dataset.json"
VERSIONS: Final = "item_versions.parquet"  # there where an item changed


def write(dataset: Dataset, folder: Path) -> None:
    """Write to `folder`, over what it held; without its head it counts as no dataset."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / HEAD).unlink(missing_ok=True)
    (folder / VERSIONS).unlink(missing_ok=True)
    dataset.interactions.write_parquet(folder / "interactions.parquet")
    dataset.items.write_parquet(folder / "items.parquet")
    dataset.users.write_parquet(folder / "users.parquet")
    if dataset.item_versions is not None:
        dataset.item_versions.write_parquet(folder / VERSIONS)
    dataset.item_vocabulary.save(folder / "item_ids.npz")
    dataset.user_vocabulary.save(folder / "user_ids.npz")
    head = {
        "format": FORMAT,
        "name": dataset.name,
        "schema": dataset.schema.model_dump(mode="json"),
        "checksum": dataset.checksum,
    }
    (folder / HEAD).write_text(json.dumps(head, indent=2) + "\n")


def read(folder: Path) -> Dataset:
    """Read what `write` wrote and check it.

    Raises:
        DataError: Missing, of another format, truncated or altered.
    """
    try:
        head = json.loads((folder / HEAD).read_text())
        found, checksum = head["format"], head["checksum"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder} holds no dataset: {error}", hint="import it again") from error
    if found != FORMAT:
        raise DataError(
            f"{folder} has format {found}; this version reads {FORMAT}", hint="import it again"
        )
    try:
        dataset = Dataset(
            pl.read_parquet(folder / "interactions.parquet"),
            pl.read_parquet(folder / "items.parquet"),
            pl.read_parquet(folder / "users.parquet"),
            Schema.model_validate(head["schema"]),
            Vocabulary.load(folder / "item_ids.npz"),
            Vocabulary.load(folder / "user_ids.npz"),
            head["name"],
            pl.read_parquet(folder / VERSIONS) if (folder / VERSIONS).is_file() else None,
        )
        intact = dataset.checksum == checksum
    except (OSError, KeyError, ValidationError, BundleError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{folder} is damaged: {error}", hint="import it again") from error
    if not intact:
        raise DataError(f"{folder} was altered: its checksum differs", hint="import it again")
    return dataset

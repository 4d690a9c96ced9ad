"""Fitted columns on disk: `columns.json` and `columns.npz`; never pickle."""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from palate.data.vocabulary import Vocabulary
from palate.errors import BundleError, DataError
from palate.features.columns.columns import Columns, Fitted
from palate.features.columns.levels import Levels
from palate.features.columns.scale import Scale
from palate.features.columns.spec import ColumnSpec

__all__ = ["FORMAT", "read", "write"]

FORMAT = 1
HEAD, ARRAYS = "columns.json", "columns.npz"
MEASURES = ("mean", "std", "low", "high")


def write(columns: Columns, folder: Path) -> None:
    """Specs as JSON; values (UTF-8 bytes and ends), measures and knots as arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, np.ndarray] = {}
    for at, one in enumerate(columns.fitted):
        if isinstance(one, Levels):
            encoded = [value.encode() for value in one.values.ids]
            arrays[f"{at}.text"] = np.frombuffer(b"".join(encoded), np.uint8)
            arrays[f"{at}.ends"] = np.cumsum([len(e) for e in encoded], dtype=np.int64)
        else:
            arrays[f"{at}.measures"] = np.array([getattr(one, name) for name in MEASURES])
            arrays[f"{at}.knots"] = one.knots
    np.savez(folder / ARRAYS, **arrays)  # type: ignore[arg-type]  # numpy types savez loosely
    specs = [spec.model_dump(mode="json") for spec in columns.specs]
    head = {"format": FORMAT, "columns": specs}
    (folder / HEAD).write_text(json.dumps(head, indent=2) + "\n")


def read(folder: Path) -> Columns:
    """Read what `write` wrote.

    Raises:
        BundleError: A file is missing, damaged, or of another version.
    """
    try:
        head = json.loads((folder / HEAD).read_text())
        if head["format"] != FORMAT:
            raise ValueError(f"format {head['format']}; this version reads {FORMAT}")
        specs = [ColumnSpec.model_validate(raw) for raw in head["columns"]]
        with (folder / ARRAYS).open("rb") as raw, np.load(raw, allow_pickle=False) as arrays:
            return Columns(tuple(_fitted(arrays, at, spec) for at, spec in enumerate(specs)))
    except (
        OSError,
        EOFError,
        KeyError,
        TypeError,
        ValueError,  # of JSON, UTF-8, numpy
        ValidationError,
        DataError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise BundleError(f"{folder} holds no columns that can be read: {error}") from error


def _fitted(arrays: Any, at: int, spec: ColumnSpec) -> Fitted:
    if spec.is_number:
        mean, std, low, high = arrays[f"{at}.measures"].tolist()
        return Scale(spec, mean, std, low, high, arrays[f"{at}.knots"])
    text, ends = arrays[f"{at}.text"].tobytes(), arrays[f"{at}.ends"].tolist()
    if (ends[-1] if ends else 0) != len(text):
        raise ValueError("the offsets do not match the text")
    starts = [0, *ends[:-1]] if ends else []
    return Levels(spec, Vocabulary(text[a:b].decode() for a, b in zip(starts, ends, strict=True)))

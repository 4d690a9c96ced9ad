"""CSV, TSV, Parquet and JSON Lines files, `.gz` too, as tables; errors say column and row."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any, Final

import msgspec
import polars as pl

from palate.data import frames
from palate.data.attributes import number_or_text
from palate.errors import DataError

__all__ = ["SUFFIXES", "read_attributes", "read_interactions", "read_table"]

SUFFIXES: Final = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
_decode: Final = msgspec.json.Decoder().decode


def read_table(path: Path) -> pl.DataFrame:
    """Read one file by its suffix; columns of CSV and TSV are all text, empty means null.

    Text stays text so that the id `007` stays what it is; numbers are read where a column
    is known to hold them.

    Raises:
        DataError: No such file, an unknown suffix, an empty or malformed file.
    """
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    compressed = path.suffix == ".gz"
    suffix = Path(path.stem).suffix if compressed else path.suffix
    if suffix not in SUFFIXES or (compressed and suffix == ".parquet"):
        raise DataError(f"cannot tell what {path} is", hint=f"name it {', '.join(SUFFIXES)}")
    if suffix == ".parquet":
        return _parquet(path)
    content = _bytes(path, compressed=compressed)
    if not content.strip():
        raise DataError(f"{path} is empty")
    if suffix in (".jsonl", ".ndjson"):
        return _json_lines(path, content)
    return _separated(path, content, "\t" if suffix == ".tsv" else ",")


def read_interactions(path: Path, columns: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Canonical interactions (`frames.INTERACTIONS`) from a file; repeated rows are kept.

    Args:
        path: See `read_table`.
        columns: Names in the file of canonical columns, `{"value": "rating"}`.

    Raises:
        DataError: Names the file, the column and the first bad row.
    """
    table = read_table(path)
    try:
        return frames.interactions(table, columns or {})
    except DataError as error:
        raise DataError(f"{path}: {error.message}", hint=error.hint) from error


def read_attributes(path: Path, key: str, *, column: str | None = None) -> pl.DataFrame:
    """One row an id with its attributes; the last row of a repeated id counts.

    A text column whose every entry is a number becomes one, unless an entry starts with a
    zero as zip codes do.

    Args:
        path: See `read_table`.
        key: item_id or user_id, the name of the id column in the result.
        column: Its name in the file, where that differs.

    Raises:
        DataError: Names the file and what is wrong.
    """
    table = read_table(path)
    if column is not None:
        if column not in table.columns:
            raise DataError(f"{path}: no column {column!r} among {table.columns}")
        table = table.rename({column: key})
    try:
        rows = frames.attributes(table, key)
    except DataError as error:
        hint = error.hint or f"name the id column {key}"
        raise DataError(f"{path}: {error.message}", hint=hint) from error
    return rows.with_columns(number_or_text(rows[n]) for n in rows.columns if n != key)


def _bytes(path: Path, *, compressed: bool) -> bytes:
    content = path.read_bytes()
    if not compressed:
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is not whole gzip: {error}") from error


def _parquet(path: Path) -> pl.DataFrame:
    if not path.stat().st_size:
        raise DataError(f"{path} is empty")
    try:
        return pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path} is not a Parquet file: {error}") from error


def _separated(path: Path, content: bytes, separator: str) -> pl.DataFrame:
    try:
        content.decode()
        table = pl.read_csv(content, separator=separator, infer_schema=False)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path} line {line} is not UTF-8 text", hint="save it as UTF-8") from error
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"{path} cannot be read: {str(error).splitlines()[0]}",
            hint="every row needs as many fields as the header; text is UTF-8",
        ) from error
    return table


def _json_lines(path: Path, content: bytes) -> pl.DataFrame:
    """One column a name; each of one type, with integers among fractions as fractions."""
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            rows.append(_object(path, line, number))
            lines.append(number)
    names = dict.fromkeys(name for row in rows for name in row)
    return pl.DataFrame([_column(path, n, [row.get(n) for row in rows], lines) for n in names])


def _object(path: Path, line: bytes, number: int) -> dict[str, Any]:
    try:
        row = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} line {number} is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise DataError(f"{path} line {number} is not a JSON object")
    return row


def _column(path: Path, name: str, values: list[Any], lines: list[int]) -> pl.Series:
    kinds = set(map(type, values)) - {NoneType}
    if len(kinds) > 1 and not kinds <= {int, float}:
        first, second = (
            next(n for n, v in enumerate(values) if v is not None and type(v) is kind)
            for kind in sorted(kinds, key=lambda k: [type(v) for v in values].index(k))[:2]
        )
        raise DataError(
            f"{path}: column {name!r} mixes types: {values[second]!r} in line {lines[second]}, "
            f"{values[first]!r} in line {lines[first]}",
            hint="make the column all text or all numbers",
        )
    try:
        return pl.Series(name, values, pl.Float64() if kinds == {int, float} else None)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path}: column {name!r} cannot be read: {error}") from error

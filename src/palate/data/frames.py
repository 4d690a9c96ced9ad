"""The edge: pandas, polars and Arrow frames come in, canonical polars frames go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import narwhals as nw
import polars as pl
from narwhals.typing import IntoDataFrame

from palate import columns as c
from palate.config import Attribute, EventType, Schema
from palate.errors import DataError
from palate.types import AttributeKind

__all__ = ["DEFAULT_EVENT", "INTERACTIONS", "attributes", "guess_schema", "interactions"]

TIMESTAMP_DTYPE: Final = pl.Datetime("us", "UTC")
INTERACTIONS: Final = pl.Schema(
    {
        c.USER_ID: pl.String(),
        c.ITEM_ID: pl.String(),
        c.EVENT: pl.String(),
        c.VALUE: pl.Float64(),
        c.TIMESTAMP: TIMESTAMP_DTYPE,
    }
)
DEFAULT_EVENT: Final = "interaction"


def to_polars(frame: IntoDataFrame) -> pl.DataFrame:
    """Any eager frame that narwhals knows, as polars.

    Raises:
        DataError: It is none of them.
    """
    if isinstance(frame, pl.DataFrame):
        return frame
    try:
        return nw.from_native(frame, eager_only=True).to_polars()
    except TypeError as error:
        raise DataError(
            f"cannot read a {type(frame).__name__} as a table",
            hint="pass a pandas, polars or Arrow frame",
        ) from error


def interactions(frame: IntoDataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    """Canonical interactions from `frame`.

    Args:
        frame: At least a user and an item column.
        names: Canonical name to the column's name in `frame`.

    Raises:
        DataError: Names the column and the first bad row.
    """
    raw = to_polars(frame)
    _check_columns(raw, names)
    out = pl.DataFrame(
        {
            c.USER_ID: _ids(raw, names.get(c.USER_ID, c.USER_ID)),
            c.ITEM_ID: _ids(raw, names.get(c.ITEM_ID, c.ITEM_ID)),
            c.EVENT: _events(raw, names.get(c.EVENT, c.EVENT)),
            c.VALUE: _values(raw, names.get(c.VALUE, c.VALUE)),
            c.TIMESTAMP: _timestamps(raw, names.get(c.TIMESTAMP, c.TIMESTAMP)),
        },
        schema=INTERACTIONS,
    )
    if out.is_empty():
        raise DataError("there are no interactions: the table has no rows")
    return out


def attributes(frame: IntoDataFrame | None, key: str) -> pl.DataFrame:
    """One row an id with its attributes; the last row of a repeated id counts.

    Raises:
        DataError: The key column is missing or has an empty id.
    """
    if frame is None:
        return pl.DataFrame(schema={key: pl.String()})
    raw = to_polars(frame)
    if key not in raw.columns:
        raise DataError(f"no column {key!r} among {raw.columns}")
    ids = _ids(raw, key)
    return raw.with_columns(ids.alias(key)).unique(key, keep="last", maintain_order=True)


def guess_schema(events: pl.DataFrame, items: pl.DataFrame, users: pl.DataFrame) -> Schema:
    """Weight 1 for every event, times its value where it has one; kinds from dtypes."""
    valued = events.group_by(c.EVENT).agg(pl.col(c.VALUE).is_not_null().any())
    return Schema(
        events={
            event: EventType(value="multiply" if has_value else "ignore")
            for event, has_value in sorted(valued.rows())
        },
        items={n: Attribute(kind=_kind(items[n])) for n in items.columns if n != c.ITEM_ID},
        users={n: Attribute(kind=_kind(users[n])) for n in users.columns if n != c.USER_ID},
    )


def _kind(series: pl.Series) -> AttributeKind:
    if series.dtype.is_numeric():
        return AttributeKind.NUMBER
    if series.dtype.is_temporal():
        return AttributeKind.TIME
    if isinstance(series.dtype, pl.List):
        return AttributeKind.CATEGORIES
    if isinstance(series.dtype, pl.String) and series.n_unique() > max(50, series.len() // 2):
        return AttributeKind.TEXT
    return AttributeKind.CATEGORY


def _check_columns(raw: pl.DataFrame, names: Mapping[str, str]) -> None:
    needed = {c.USER_ID, c.ITEM_ID} | set(names)
    missing = [names.get(n, n) for n in sorted(needed) if names.get(n, n) not in raw.columns]
    if missing:
        raise DataError(
            f"missing column {', '.join(map(repr, missing))}; the table has {raw.columns}",
            hint="name the columns: columns={'user_id': '...', 'item_id': '...'}",
        )


def _ids(raw: pl.DataFrame, name: str) -> pl.Series:
    series = raw[name]
    if series.dtype.is_float():
        whole = series.cast(pl.Int64, strict=False)
        if (whole.cast(series.dtype) != series).any() or whole.null_count():
            raise DataError(f"column {name!r} holds fractions or NaN; ids are strings or integers")
        series = whole
    elif not (series.dtype.is_integer() or series.dtype in (pl.String, pl.Categorical, pl.Enum)):
        raise DataError(f"column {name!r} is {series.dtype}; ids are strings or integers")
    ids = series.cast(pl.String)
    _refuse(ids.is_null() | (ids == ""), name, "an empty id")
    return ids


def _events(raw: pl.DataFrame, name: str) -> pl.Series:
    if name not in raw.columns:
        return pl.repeat(DEFAULT_EVENT, raw.height, dtype=pl.String, eager=True)
    events = raw[name].cast(pl.String)
    _refuse(events.is_null() | (events == ""), name, "an empty event type")
    return events


def _values(raw: pl.DataFrame, name: str) -> pl.Series:
    if name not in raw.columns:
        return pl.repeat(None, raw.height, dtype=pl.Float64, eager=True)
    series = raw[name]
    values = series.cast(pl.Float64, strict=False)
    _refuse(values.is_null() & series.is_not_null(), name, "something that is not a number")
    _refuse(values.is_nan() | values.is_infinite(), name, "NaN or infinity")
    return values


def _timestamps(raw: pl.DataFrame, name: str) -> pl.Series:
    """Datetimes, or seconds since 1970, as UTC microseconds."""
    if name not in raw.columns:
        return pl.repeat(None, raw.height, dtype=TIMESTAMP_DTYPE, eager=True)
    series = raw[name]
    if isinstance(series.dtype, pl.Datetime):
        zoned = series.dt.replace_time_zone("UTC") if series.dtype.time_zone is None else series
        return zoned.dt.convert_time_zone("UTC").cast(TIMESTAMP_DTYPE)
    if series.dtype == pl.String:
        parsed = series.str.to_datetime(time_zone="UTC", strict=False)
        _refuse(parsed.is_null() & series.is_not_null(), name, "something that is not a time")
        return parsed.cast(TIMESTAMP_DTYPE)
    if series.dtype.is_numeric():
        seconds = series.cast(pl.Float64)
        _refuse(seconds.is_nan() | seconds.is_infinite(), name, "NaN or infinity")
        return (seconds * 1e6).round().cast(pl.Int64).cast(TIMESTAMP_DTYPE)
    raise DataError(f"column {name!r} is {series.dtype}; a time or seconds since 1970 is needed")


def _refuse(bad: pl.Series, name: str, what: str) -> None:
    if bad.any():
        row = bad.arg_true()[0]
        raise DataError(
            f"column {name!r} holds {what} in row {row}"
            + (f" and {bad.sum() - 1} more" if bad.sum() > 1 else ""),
            hint="correct or drop those rows",
        )

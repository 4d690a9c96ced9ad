"""The edge: pandas, polars and Arrow frames come in, canonical polars frames go on."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import narwhals as nw
import polars as pl
from narwhals.typing import IntoDataFrame

from palate import columns as c
from palate.config import Attribute, EventType, Schema
from palate.data.attributes import guess_kind
from palate.data.times import TIMESTAMP_DTYPE, to_times
from palate.errors import DataError

__all__ = [
    "DEFAULT_EVENT",
    "INTERACTIONS",
    "TIMESTAMP_DTYPE",
    "attributes",
    "guess_events",
    "guess_schema",
    "interactions",
    "to_polars",
]

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
        DataError: It is none of them, or a column mixes types.
    """
    if isinstance(frame, pl.DataFrame):
        _refuse_objects(frame)
        return frame
    try:
        known = nw.from_native(frame, eager_only=True)
    except TypeError as error:
        raise DataError(
            f"cannot read a {type(frame).__name__} as a table",
            hint="pass a pandas, polars or Arrow frame",
        ) from error
    try:
        table = known.to_polars()
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        for name in known.columns:
            _refuse_mixed(name, known.get_column(name).to_list())
        raise DataError(f"the table cannot be read: {error}") from error
    _refuse_objects(table)
    return table


def interactions(frame: IntoDataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    """Canonical interactions from `frame`.

    Args:
        frame: At least a user and an item column.
        names: Canonical name to the column's name in `frame`.

    Raises:
        DataError: Names the column and the first bad row, counting from 1.
    """
    raw = to_polars(frame)
    _check_columns(raw, names)
    events = _events(raw, names.get(c.EVENT, c.EVENT))
    out = pl.DataFrame(
        {
            c.USER_ID: _ids(raw, names.get(c.USER_ID, c.USER_ID)),
            c.ITEM_ID: _ids(raw, names.get(c.ITEM_ID, c.ITEM_ID)),
            c.EVENT: events,
            c.VALUE: _values(raw, names.get(c.VALUE, c.VALUE), events),
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
    return Schema(
        events=guess_events(events),
        items={n: Attribute(kind=guess_kind(items[n])) for n in items.columns if n != c.ITEM_ID},
        users={n: Attribute(kind=guess_kind(users[n])) for n in users.columns if n != c.USER_ID},
    )


def guess_events(events: pl.DataFrame) -> dict[str, EventType]:
    """Weight 1 for every event type of canonical interactions, times its value if it has one."""
    valued = events.group_by(c.EVENT).agg(pl.col(c.VALUE).is_not_null().any())
    return {
        event: EventType(value="multiply" if has_value else "ignore")
        for event, has_value in sorted(valued.rows())
    }


def _check_columns(raw: pl.DataFrame, names: Mapping[str, str]) -> None:
    unknown = sorted(set(names) - set(INTERACTIONS))
    if unknown:
        raise DataError(
            f"{unknown[0]!r} is no column of interactions; those are {list(INTERACTIONS)}",
            hint="columns maps our name to yours: columns={'value': 'rating'}",
        )
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
        odd = whole.is_null() | (whole.cast(series.dtype) != series)
        _refuse(odd, name, "an empty id or a fraction")
        series = whole
    elif not (
        series.dtype.is_integer() or series.dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null)
    ):
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


def _values(raw: pl.DataFrame, name: str, events: pl.Series) -> pl.Series:
    """Values; an event type has one in every row or in none.

    A missing rating is never taken for "no value": pandas writes NaN as null on the way in.
    """
    if name not in raw.columns:
        return pl.repeat(None, raw.height, dtype=pl.Float64, eager=True)
    series = raw[name]
    if isinstance(series.dtype, pl.List | pl.Struct) or series.dtype.is_temporal():
        raise DataError(f"column {name!r} is {series.dtype}; values are numbers")
    values = series.cast(pl.Float64, strict=False)
    _refuse(values.is_null() & series.is_not_null(), name, "something that is not a number")
    _refuse(values.is_nan() | values.is_infinite(), name, "NaN or infinity")
    if 0 < values.null_count() < values.len():
        elsewhere = pl.col("value").is_not_null().any().over("event")
        lacks = pl.DataFrame({"value": values, "event": events}).select(
            pl.col("value").is_null() & elsewhere
        )
        _refuse(lacks.to_series(), name, "no value (empty or NaN), unlike others of its event type")
    return values


def _timestamps(raw: pl.DataFrame, name: str) -> pl.Series:
    if name not in raw.columns:
        return pl.repeat(None, raw.height, dtype=TIMESTAMP_DTYPE, eager=True)
    series = raw[name]
    times = to_times(series)
    _refuse(times.is_null() & series.is_not_null(), name, "something that is not a time")
    return times


def _refuse(bad: pl.Series, name: str, what: str) -> None:
    if bad.any():
        row = bad.arg_true()[0]
        more = f" and {bad.sum() - 1} more" if bad.sum() > 1 else ""
        raise DataError(
            f"column {name!r} holds {what} in row {row + 1}{more}",
            hint="correct or drop those rows; the first data row is row 1",
        )


def _refuse_objects(table: pl.DataFrame) -> None:
    for name, dtype in table.schema.items():
        if dtype == pl.Object:
            _refuse_mixed(name, table[name].to_list())
            raise DataError(f"column {name!r} holds Python objects that are no text or number")


def _refuse_mixed(name: str, values: list[object]) -> None:
    present = [(row, v) for row, v in enumerate(values) if v is not None and v == v]
    for (_, before), (row, value) in pairwise(present):
        if type(before) is not type(value):
            raise DataError(
                f"column {name!r} mixes types: {value!r} in row {row + 1} "
                f"is {type(value).__name__}, above it is {type(before).__name__}",
                hint="make the column all text or all numbers",
            )

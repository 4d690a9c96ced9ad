"""Times of every spelling that data come in, as UTC microseconds."""

from __future__ import annotations

from typing import Final

import polars as pl

from palate.errors import DataError

__all__ = ["TIMESTAMP_DTYPE", "to_times"]

TIMESTAMP_DTYPE: Final = pl.Datetime("us", "UTC")
LARGEST_SECOND: Final = 1e11  # the year 5138; a larger number counts milliseconds


def to_times(series: pl.Series) -> pl.Series:
    """Datetimes, dates, ISO 8601 text, or seconds since 1970, as UTC microseconds.

    A time without a zone is taken as UTC. What cannot be read becomes null: the caller
    compares nulls before and after, and says where it was.

    Raises:
        DataError: The column's type holds no times, or numbers too large to be seconds.
    """
    dtype = series.dtype
    if isinstance(dtype, pl.Datetime):
        zoned = series.dt.replace_time_zone("UTC") if dtype.time_zone is None else series
        return zoned.dt.convert_time_zone("UTC").cast(TIMESTAMP_DTYPE)
    if dtype in (pl.Date, pl.Null):
        return series.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if dtype == pl.String:
        return _from_text(series)
    if dtype.is_numeric():
        return _from_seconds(series)
    raise DataError(
        f"column {series.name!r} is {dtype}; a time or seconds since 1970 is needed",
    )


def _from_text(series: pl.Series) -> pl.Series:
    seconds = series.cast(pl.Float64, strict=False)
    if seconds.null_count() == series.null_count():
        return _from_seconds(seconds)
    frame = series.to_frame("text").select(
        pl.coalesce(
            pl.col("text").str.to_datetime(pattern, time_unit="us", time_zone="UTC", strict=False)
            for pattern in (
                "%Y-%m-%dT%H:%M:%S%.f%#z",
                "%Y-%m-%d %H:%M:%S%.f%#z",
                "%Y-%m-%dT%H:%M:%S%.f",
                "%Y-%m-%d %H:%M:%S%.f",
                "%Y-%m-%dT%H:%M",
                "%Y-%m-%d %H:%M",
                "%Y-%m-%d",
            )
        )
    )
    return frame.to_series().alias(series.name)


def _from_seconds(series: pl.Series) -> pl.Series:
    if series.dtype.is_float():
        finite = pl.col(series.name).is_finite()
        series = series.to_frame().select(pl.when(finite).then(series.name)).to_series()
    largest = series.cast(pl.Float64).abs().max()
    if isinstance(largest, float) and largest > LARGEST_SECOND:
        raise DataError(
            f"column {series.name!r} holds {largest:.0f}, too large for seconds since 1970",
            hint="divide milliseconds by 1000, or write ISO 8601 times",
        )
    if series.dtype.is_integer():
        return (series.cast(pl.Int64) * 1_000_000).cast(TIMESTAMP_DTYPE)
    return (series.cast(pl.Float64) * 1e6).round().cast(pl.Int64).cast(TIMESTAMP_DTYPE)

"""Slates joined with what people did with them, by the id of the request that caused it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import polars as pl

from palate import columns as c
from palate.errors import DataError
from palate.events.log.base import Record
from palate.events.schema import RESERVED, SERVED, Event
from palate.events.served import Slate, slate_of

__all__ = ["ANSWER_COLUMNS", "join_outcomes"]

_TIME: Final = pl.Datetime("us", "UTC")

ANSWER_COLUMNS: Final[dict[str, Any]] = {
    c.REQUEST_ID: pl.String,
    c.USER_ID: pl.String,
    c.ANONYMOUS_ID: pl.String,
    c.SURFACE: pl.String,
    c.TIMESTAMP: _TIME,
    "release": pl.String,
    "degraded": pl.Boolean,
    "history_length": pl.Int64,
    "history_offset": pl.Int64,
    c.ITEM_ID: pl.String,
    c.POSITION: pl.Int64,
    c.SCORE: pl.Float64,
    "propensity": pl.Float64,
}


def join_outcomes(
    records: Iterable[Record],
    *,
    outcomes: Sequence[str] | None = None,
    window_s: float | None = None,
) -> pl.DataFrame:
    """One row for each item of each slate, with how often each outcome followed.

    An outcome belongs to an item of a slate where it names that item and the slate's
    `request_id`, and not another person. It may stand before the slate in the log, since slates
    are written after the answer. The same slate or event twice counts once; outcomes of slates
    that are not among `records`, or of items that were not in the slate, are left out.

    Args:
        records: Of a log, any order; `served` among them.
        outcomes: Event types, a column each; those that were seen, by name, where None.
        window_s: Seconds after the slate within which an outcome counts; any where None.

    Returns:
        `ANSWER_COLUMNS`, then for each outcome its count (`click`, Int64) and the value of the
        last one that had one (`click_value`, Float64, null for none). By time, then position.

    Raises:
        DataError: An outcome is called like a column of the slate.
        EventError: A `served` record is no slate.

    Source: joining by request id, as in Metarank (`feature/BaseFeature.scala`).
    """
    slates: dict[str, Slate] = {}
    happened: dict[tuple[str, str], dict[str, Event]] = {}
    for record in records:
        event = record.event
        if event.event == SERVED:
            slate = slate_of(event)
            slates.setdefault(slate.request_id, slate)
        elif event.event not in RESERVED and event.request_id and event.item_id:
            about = happened.setdefault((event.request_id, event.item_id), {})
            about.setdefault(event.event_id, event)
    wanted = list(outcomes) if outcomes is not None else _types(happened)
    taken = [name for name in wanted if name in ANSWER_COLUMNS]
    if taken:
        raise DataError(f"an outcome is called {taken[0]!r}, as a column of the slate is")
    rows = [
        _row(slate, position, happened, wanted, window_s)
        for slate in sorted(slates.values(), key=lambda s: (s.timestamp, s.request_id))
        for position in range(len(slate.items))
    ]
    schema = dict(ANSWER_COLUMNS)
    for name in wanted:
        schema |= {name: pl.Int64, f"{name}_value": pl.Float64}
    frame = pl.DataFrame(rows, schema={**schema, c.TIMESTAMP: pl.Int64}, orient="row")
    return frame.with_columns(pl.from_epoch(c.TIMESTAMP, "us").cast(_TIME))


def _types(happened: dict[tuple[str, str], dict[str, Event]]) -> list[str]:
    return sorted({event.event for about in happened.values() for event in about.values()})


def _row(
    slate: Slate,
    position: int,
    happened: dict[tuple[str, str], dict[str, Event]],
    wanted: Sequence[str],
    window_s: float | None,
) -> tuple[Any, ...]:
    item = slate.items[position]
    latest = None if window_s is None else slate.timestamp + round(window_s * 1e6)
    theirs = [
        event
        for event in happened.get((slate.request_id, item), {}).values()
        if _same_person(slate, event) and (latest is None or event.timestamp <= latest)
    ]
    counts: list[int | float | None] = []
    for name in wanted:
        of_type = sorted((e for e in theirs if e.event == name), key=lambda e: e.timestamp)
        values = [e.value for e in of_type if e.value is not None]
        counts += [len(of_type), values[-1] if values else None]
    return (
        slate.request_id,
        slate.user_id,
        slate.anonymous_id,
        slate.surface,
        slate.timestamp,
        slate.release,
        slate.degraded,
        slate.history_length,
        slate.history_offset,
        item,
        position,
        slate.scores[position],
        slate.propensities[position],
        *counts,
    )


def _same_person(slate: Slate, event: Event) -> bool:
    """Whether it may have been the one that the slate was for; a visitor may have signed in."""
    if slate.user_id is not None and event.user_id is not None:
        return slate.user_id == event.user_id
    if slate.anonymous_id is not None and event.anonymous_id is not None:
        return slate.anonymous_id == event.anonymous_id
    return True

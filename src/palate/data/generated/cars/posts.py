"""Rows of the tables as events of the log, and as JSON for the service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from palate import columns as c
from palate.data.generated.cars.describe import ATTRIBUTES
from palate.events.schema import ITEM_UPSERTED, Event

__all__ = ["attributes_of", "events_of"]


def events_of(frame: pl.DataFrame) -> Iterator[Event]:
    """Each row of `Cars.events` or `Cars.changes` as an event, in their order."""
    for row in frame.with_columns(pl.col(c.TIMESTAMP).dt.epoch("us")).iter_rows(named=True):
        query = row.get(c.CONTEXT)
        yield Event(
            event=row[c.EVENT],
            event_id=row[c.EVENT_ID],
            item_id=row[c.ITEM_ID],
            timestamp=row[c.TIMESTAMP],
            attributes=attributes_of(row) if row[c.EVENT] == ITEM_UPSERTED else None,
            context=None if query is None else _known(query),
            user_id=row.get(c.USER_ID),
            anonymous_id=row.get(c.ANONYMOUS_ID),
            value=row.get(c.VALUE),
            request_id=row.get(c.REQUEST_ID),
            position=row.get(c.POSITION),
            surface=row.get(c.SURFACE),
        )


def attributes_of(row: dict[str, Any]) -> dict[str, Any]:
    """What is known of a car: a row of `Cars.items` or `Cars.changes` without its nulls."""
    return _known({name: row[name] for name in ATTRIBUTES})


def _known(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}

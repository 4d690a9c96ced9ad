"""What the slates of a log showed, to whom, and what became of it: what models learn from too."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

import polars as pl

from palate import columns as c
from palate.data.from_log import VISITOR
from palate.data.outcomes import join_outcomes
from palate.events.log.base import EventLog, Record, batches
from palate.events.schema import SERVED, USER_IDENTIFIED

__all__ = ["SLATES", "shown_in"]

SLATES: Final = 100_000  # of a log: a row for each place of each is in memory


def shown_in(log: EventLog, *, slates: int = SLATES) -> pl.DataFrame:
    """As `join_outcomes`, of the newest slates, with the users of `dataset_from_records`.

    A visitor is the first user that they were identified as, or else the dataset's visitor.

    Args:
        log: Of a service.
        slates: At most so many.

    Raises:
        EventError: A `served` record is no slate.
    """
    offsets = deque((record.offset for record in _all(log, 0, SERVED)), maxlen=slates)
    after = offsets[0] - 1 if offsets else log.head()
    joined = join_outcomes(_all(log, after))
    users: dict[str, str] = {}
    for record in _all(log, 0, USER_IDENTIFIED):
        event = record.event
        if event.anonymous_id and event.user_id:
            users.setdefault(event.anonymous_id, event.user_id)
    visitor = pl.col(c.ANONYMOUS_ID)
    named = visitor.replace_strict(users, default=pl.lit(VISITOR) + visitor, return_dtype=pl.String)
    return joined.with_columns(pl.coalesce(c.USER_ID, named).alias(c.USER_ID))


def _all(log: EventLog, after: int, kind: str | None = None) -> Iterator[Record]:
    """Records above an offset, of one type or of all."""
    for part in batches(log, after, events=None if kind is None else (kind,)):
        yield from part

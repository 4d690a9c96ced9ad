"""Items in the order of a log: what they are known as last, and were when dealt with.

Before an item was listed, and after it was deleted, it is nothing, as it is online. But a log
whose older versions were dropped does not tell whether an item was listed before its oldest one
that is left: then it was that one.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import polars as pl

from palate import columns as c
from palate.events.log.base import Record
from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED

__all__ = ["Catalogue"]

Attributes = Mapping[str, Any]
_NOTHING: Final[Attributes] = {}  # said by an item that is not there, or not any more
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


class Catalogue:
    """Follows a log, record by record."""

    def __init__(self) -> None:
        self._now: dict[str, Attributes] = {}
        self._gone: dict[str, Attributes] = {}  # deleted ones, as they were
        self._touched: set[str] = set()
        # What was dealt with, in order: each row an item as it was, entered when it is first seen.
        self._rows: list[tuple[str, Attributes]] = []
        self._row_of: dict[str, int] = {}  # of an item, until it changes
        self._unlisted: dict[str, int] = {}  # rows of items that no version was seen of
        self._dealt = array("q")
        self._offset = 0
        self._trimmed = False  # whether records are missing among those seen

    def take(self, record: Record) -> None:
        """An item was upserted or deleted; of other records the offset alone counts."""
        self._trimmed |= record.offset != self._offset + 1
        self._offset = record.offset
        event, item = record.event, record.event.item_id
        if item is None or event.event not in (ITEM_UPSERTED, ITEM_DELETED):
            return
        self._row_of.pop(item, None)
        unlisted = self._unlisted.pop(item, None)
        if unlisted is not None and self._trimmed:
            self._rows[unlisted] = (item, event.attributes or _NOTHING)
        if event.event == ITEM_UPSERTED:
            self._now[item] = event.attributes or _NOTHING
            self._gone.pop(item, None)
        elif item in self._now:
            self._gone[item] = self._now.pop(item)

    def deal(self, item: str) -> None:
        """Somebody did something with an item, as it is at this place of the log."""
        row = self._row_of.get(item)
        if row is None:
            row = self._row_of[item] = len(self._rows)
            self._rows.append((item, self._now.get(item, _NOTHING)))
            if item not in self._now and item not in self._gone:
                self._unlisted[item] = row
            self._touched.add(item)
        self._dealt.append(row)

    def known_last(self) -> dict[str, Attributes]:
        """Attributes of each item that is there, or that is gone and was dealt with."""
        left = {item: said for item, said in self._gone.items() if item in self._touched}
        return self._now | left

    def versions(self) -> pl.DataFrame | None:
        """As `Dataset.item_versions`; None where every item was dealt with as it is known last."""
        earlier = [self._rows[row] for row in self._earlier()]
        if not earlier:
            return None
        return pl.DataFrame(
            {
                c.ITEM_ID: [item for item, _ in earlier],
                c.ATTRIBUTES: [_encode(said).decode() for _, said in earlier],
            }
        )

    def dealt(self) -> pl.Series:
        """(n,) uint32 row of `versions` at each dealing; null where it is what is known last."""
        place: list[int | None] = [None] * len(self._rows)
        for version, row in enumerate(self._earlier()):
            place[row] = version
        return pl.Series(place, dtype=pl.UInt32).gather(pl.Series(self._dealt, dtype=pl.UInt32))

    def _earlier(self) -> list[int]:
        """Rows of items that are known last as something else."""
        last = self.known_last()
        return [
            row
            for row, (item, said) in enumerate(self._rows)
            if said is not (known := last.get(item, _NOTHING)) and said != known
        ]

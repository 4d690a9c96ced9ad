"""What dealers tell the service: cars listed, prices cut, cars sold."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from palate import columns as c
from palate.data.generated.cars.stock import DAY_US, MOST_DROPS, START_US, Stock
from palate.data.times import TIMESTAMP_DTYPE
from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED
from palate.types import Float64Array, Int64Array

__all__ = ["Moves", "find_moves"]

_LISTED: Final = 0
_CUT: Final = 1
_SOLD: Final = 2
_WHY: Final = ("listed", "price", "sold")


class Moves:
    """Changes of a stretch of time, by time.

    Attributes:
        row: (n,) int64 rows of the stock.
        at_us: (n,) int64 microseconds since 1970 UTC.
        price: (n,) float64 euros from then on; NaN where unknown or sold.
    """

    def __init__(self, row: Int64Array, at_us: Int64Array, why: Int64Array, stock: Stock) -> None:
        # A car that is cut and sold in one microsecond is sold last.
        order = np.lexsort((row, why, at_us))
        self.row, self.at_us, self._why = row[order], at_us[order], why[order]
        price: Float64Array = stock.price_at(self.row, self.at_us)
        self.price = np.where(self._why == _SOLD, np.nan, price)

    def __len__(self) -> int:
        return len(self.row)

    def frame(self, ids: pl.Series) -> pl.DataFrame:
        """event_id, event, item_id, timestamp and why (`listed`, `price`, `sold`) of each.

        Args:
            ids: Of all cars by row.
        """
        upserts = self._why != _SOLD
        rows = pl.DataFrame(
            {
                c.ITEM_ID: ids.gather(self.row),
                c.TIMESTAMP: pl.Series(self.at_us).cast(TIMESTAMP_DTYPE),
                "why": pl.Series(_WHY).gather(self._why),
                "us": self.at_us,
            }
        )
        return rows.select(
            pl.format("{}-{}-{}", c.ITEM_ID, "why", "us").alias(c.EVENT_ID),
            pl.when(pl.Series(upserts))
            .then(pl.lit(ITEM_UPSERTED))
            .otherwise(pl.lit(ITEM_DELETED))
            .alias(c.EVENT),
            c.ITEM_ID,
            c.TIMESTAMP,
            "why",
        )


def find_moves(stock: Stock, first_day: int, n_days: int) -> Moves:
    """All that changes in these days; the first day also lists what was there before it.

    A car that came before time began (day 0) is listed at the first moment of day 0.
    """
    since = START_US + first_day * DAY_US
    until = since + n_days * DAY_US
    listed = np.maximum(stock.listed_us, START_US)
    rows, times, reasons = [], [], []

    def add(at: Int64Array, happens: Int64Array, why: int) -> None:
        rows.append(happens)
        times.append(at[happens])
        reasons.append(np.full(len(happens), why, np.int64))

    add(listed, np.flatnonzero((since <= listed) & (listed < until)), _LISTED)
    for cut in range(MOST_DROPS):
        at = stock.listed_us + stock.wait_us + cut * stock.between_us
        happens = (since <= at) & (at < until) & (at < stock.sold_us) & (stock.drop > 0)
        happens &= at > START_US  # what was cut before time began is listed at that price
        add(at, np.flatnonzero(happens), _CUT)
    sold = stock.sold_us
    add(sold, np.flatnonzero((since <= sold) & (sold < until)), _SOLD)
    return Moves(np.concatenate(rows), np.concatenate(times), np.concatenate(reasons), stock)

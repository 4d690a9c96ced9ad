"""Where 500 candidates of two million cars may come from, and how good the slate is that nets make.

The nets learn from a small market as in `accuracy/realtime.py`; the two million cars, which they
know by attributes alone, and those who ask are of another one, in which visitors look around for
`DAYS_ASKED` days. What a visitor truly likes is known, of every car. Each source's 500 candidates
are ordered as a service does: RankNet gives a probability of each outcome, and these are fused into
one score. NDCG@20 of that order, and of an ideal ranker's, is judged by what the visitor truly
likes, against the best 20 of all cars. An attribute query asks for the three models that a visitor
took last, in the price range of the last.

`PALATE_BENCH_ITEMS` sets the size, two million if it is not set.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from accuracy.realtime import CARS, DAYS
from harness import Bench, timed
from index_vectors import MIXED, N_QUERIES, Catalogue
from palate import columns as c
from palate.data.dataset import Dataset
from palate.data.generated.cars import SEARCH, Cars
from palate.models.realtime import Nets, Realtime
from palate.models.realtime.examples import Profiles
from palate.models.realtime.prepare import evidence_of
from palate.models.realtime.scoring import Scorer, fused
from palate.types import Float32Array, Int64Array
from speed.candidates import RANGES, gains_of, ideal_of, ideally, ndcg_of, report, sources

N = int(os.environ.get("PALATE_BENCH_ITEMS", "2000000"))
CHUNK = 50_000
MARKET = 5_000, 3_000  # cars and visitors that are learned from
VISITORS = 2_000  # of the other market
DAYS_ASKED = 5


@dataclass(frozen=True)
class Visitors:
    """Those who ask.

    Attributes:
        rows: (m,) of the market.
        vectors: (m, d) float32 by the nets, after their last event.
        bases: (m, MIXED) int64 rows of the cars that they took last, the newest last.
    """

    rows: Int64Array
    vectors: Float32Array
    bases: Int64Array


def main() -> None:
    name = "speed-candidates-trained"
    bench = Bench(name, f"500 candidates of {N:,} cars, ranked by nets", runs=1)
    nets = timed("learned", lambda: Realtime(CARS).fit(Cars(*MARKET).dataset(DAYS)).nets)
    cars = Cars(N, VISITORS, seed=2)
    events = timed("played", lambda: _events(cars))
    touched = cars.item_rows(events[c.ITEM_ID].unique())
    vectors, known = timed("embedded", lambda: _embedded(nets, cars, touched))
    asking = _visitors(nets, cars, events, known)
    catalogue = Catalogue(
        vectors, cars.stock.model.astype(np.int32), asking.vectors, asking.bases, nets.newcomers
    )
    methods = sources(bench, catalogue, _ranges(cars))
    fused_ndcg: dict[str, list[float]] = {method: [] for method in methods}
    ideal_ndcg: dict[str, list[float]] = {method: [] for method in methods}
    for asked, visitor in enumerate(asking.rows.tolist()):
        gains = gains_of(cars.utility([visitor], np.arange(N))[0])
        ideal = ideal_of(gains)
        for method, found in methods.items():
            rows = np.array(found["found"][asked], np.int64)
            scores = fused(nets.rank(asking.vectors[asked], vectors[rows], None), nets.worth)
            ranked = rows[np.argsort(-scores, kind="stable")]
            fused_ndcg[method].append(ndcg_of(gains, ranked, ideal))
            ideal_ndcg[method].append(ndcg_of(gains, ideally(gains, rows), ideal))
    for method, found in methods.items():
        report(bench, method, found)
        for what, values in (("fused", fused_ndcg), ("ideal ranker", ideal_ndcg)):
            ndcg = float(np.mean(values[method]))
            bench.add(f"{method}/NDCG@20, {what}", ndcg, higher_is_better=True)
    bench.finish()


def _events(cars: Cars) -> pl.DataFrame:
    """What visitors did with cars, by one name each."""
    done = cars.events(DAYS_ASKED).filter(pl.col(c.EVENT) != SEARCH)
    return done.with_columns(pl.coalesce(c.USER_ID, c.ANONYMOUS_ID).alias(c.USER_ID))


def _embedded(nets: Nets, cars: Cars, touched: Int64Array) -> tuple[Float32Array, pl.DataFrame]:
    """(n, d) vectors of all cars, by attributes, and the table of those that were touched."""
    vectors = np.empty((cars.n_items, nets.dimension), np.float32)
    kept: list[pl.DataFrame] = []
    wanted = np.zeros(cars.n_items, np.bool_)
    wanted[touched] = True
    start = 0
    for part in cars.item_chunks(CHUNK):
        some = slice(start, start + len(part))
        ids = [f"never-{row}" for row in range(some.start, some.stop)]
        vectors[some] = nets.embed_rows(nets.encoder.encode_frame(ids, part.drop(c.ITEM_ID)))
        kept.append(part.filter(pl.Series(wanted[some])))
        start = some.stop
    return vectors, pl.concat(kept)


def _visitors(nets: Nets, cars: Cars, events: pl.DataFrame, items: pl.DataFrame) -> Visitors:
    """Some of those who took `MIXED` cars or more, drawn evenly."""
    users = pl.DataFrame({c.USER_ID: events[c.USER_ID].unique().sort()})
    dataset = Dataset.from_canonical(
        events.select(c.USER_ID, c.ITEM_ID, c.EVENT, c.VALUE, c.TIMESTAMP),
        items=items,
        users=users,
        schema=cars.schema,
    )
    histories = dataset.histories
    active = np.flatnonzero(np.diff(histories.indptr) >= MIXED)
    some = np.sort(np.random.default_rng(2).permutation(active)[:N_QUERIES])
    assert nets.layout is not None
    profiles = Profiles(nets.layout, evidence_of(dataset, nets.layout.definition))
    ids = [f"never-{row}" for row in range(dataset.n_items)]
    rows = nets.encoder.encode_frame(ids, dataset.items_by_row.drop(c.ITEM_ID))
    scorer = Scorer(nets, profiles, nets.embed_rows(rows))
    last = histories.indptr[some + 1][:, None] - np.arange(MIXED, 0, -1)
    place = cars.item_rows(dataset.item_vocabulary.series)
    return Visitors(
        cars.visitor_rows([dataset.user_vocabulary.id(row) for row in some.tolist()]),
        scorer.users(histories.select(some)),
        place[histories.items[last]],
    )


def _ranges(cars: Cars) -> NDArray[np.int8]:
    """(n,) the range of each car's price, with as many in each; unknown prices in the last."""
    price = np.nan_to_num(cars.stock.price, nan=np.inf)
    edges = np.quantile(price[np.isfinite(price)], np.arange(1, RANGES) / RANGES)
    return np.searchsorted(edges, price).astype(np.int8)


if __name__ == "__main__":
    main()

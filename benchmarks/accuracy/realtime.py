"""The real-time nets against SAR, iALS and popularity: generated cars, MovieLens by global time.

Cars: visitors with hidden tastes over a marketplace whose cars come and go; learned from the
first 30 days, judged on the 7 after, among the cars on sale then. Apart: visitors with 1, 3 and
10 events, and what is new: only cars that nobody had touched in training are right and asked
for. The same over four more marketplaces together, with four times the visitors. MovieLens 1M:
the last fifth of the ratings by global time is the test. Judged are users who rated before the
cut and rate something new after it; whoever comes only later has no history to be recommended
from. Settings were chosen on the newest part of training, and on marketplaces that are not
judged here; each user counts once, and differences are paired by user.

    python benchmarks/accuracy/realtime.py cars markets ml-1m --json FILE
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench, data_folder
from palate.data.dataset import Dataset
from palate.data.generated.cars import Cars
from palate.data.histories import Histories
from palate.data.sources import source
from palate.data.split import GlobalTime
from palate.metrics import Ranking, Relevant
from palate.metrics.ndcg import ndcg
from palate.models.als import ALS
from palate.models.base import Recommender
from palate.models.popular import Popular
from palate.models.realtime import Realtime, RealtimeConfig
from palate.models.sar import SAR
from palate.stats import bootstrap_difference, bootstrap_mean
from palate.types import Float64Array, Int32Array

N_CARS: Final = 5_000
N_VISITORS: Final = 3_000
SEED: Final = 42  # of the marketplace
MORE: Final = (101, 102, 103, 104)  # of further ones, of which none chose a setting
DAYS: Final = 30
LATER: Final = 7
START: Final = datetime(2024, 1, 1, tzinfo=UTC)
EVENTS: Final = (1, 3, 10)
CARS: Final = RealtimeConfig(
    epochs=4,
    recent_gradient=True,
    precision="float32",
    batch_size=256,
    dropout=0.15,
    user_dropout=0.7,
    id_spread=0.03,
    cosine=0.5,
    validation=0.0,
    rerank="never",
    catalogue=1024,
    short=0.5,
    short_ahead=True,
    exposure=1.0,
    anneal=True,
    rank_hidden=(32, 16),
)
MOVIES: Final = RealtimeConfig(
    epochs=3,
    recent_gradient=True,
    recent=50,
    ahead=200,
    popularity=1.5,
    id_dropout=0.0,
    rank=0.0,
    validation=0.0,
    rerank="never",
    precision="bfloat16",
)


@dataclass(frozen=True)
class Test:
    """What is asked of every model.

    Attributes:
        train: What is learned from, and the histories.
        asked: Histories of the users judged.
        relevant: What they then took and had not before.
        candidates: Rows that may be answered; None for all.
    """

    train: Dataset
    asked: Histories
    relevant: Relevant
    candidates: Int32Array | None

    def per_user(self, model: Recommender[Any]) -> Float64Array:
        """NDCG@10 of each."""
        top = model.top_k(self.asked, 10, candidates=self.candidates)
        return ndcg(Ranking(top.items, self.relevant), 10)

    def after(self, n: int) -> Test:
        """The same users, of whose events only the newest `n` are known."""
        long = np.flatnonzero(np.diff(self.asked.indptr) >= n)
        asked = self.asked.select(long)
        starts = np.repeat(asked.indptr[1:] - n, n).reshape(-1, n) + np.arange(n)
        at = starts.reshape(-1)
        indptr = np.arange(0, len(at) + 1, n, dtype=np.int64)
        newest = Histories(
            indptr, asked.items[at], asked.values[at], asked.timestamps[at], asked.n_items
        )
        return Test(self.train, newest, _select(self.relevant, long), self.candidates)

    def only(self, items: Int32Array) -> Test:
        """Asked for these items alone; users who took none of them are left out."""
        allowed = items if self.candidates is None else np.intersect1d(items, self.candidates)
        owners = np.repeat(np.arange(self.asked.n_users), np.diff(self.relevant.indptr))
        kept = np.isin(self.relevant.items, allowed)
        users, place = np.unique(owners[kept], return_inverse=True)
        relevant = Relevant.from_pairs(place, self.relevant.items[kept], n_users=len(users))
        return Test(self.train, self.asked.select(users), relevant, allowed.astype(np.int32))


def _select(relevant: Relevant, users: np.ndarray) -> Relevant:
    lengths = np.diff(relevant.indptr)[users]
    at = [np.arange(relevant.indptr[user], relevant.indptr[user + 1]) for user in users]
    items = relevant.items[np.concatenate(at)]
    return Relevant.from_pairs(np.repeat(np.arange(len(users)), lengths), items, n_users=len(users))


def test_of(whole: Dataset, split: GlobalTime, candidates: Int32Array | None) -> Test:
    """Users with a past who took something new after the cut."""
    parts = split.split(whole)
    train, later = parts.train.histories, parts.test.histories
    pairs = train.users().astype(np.int64) * train.n_items + train.items
    new = ~np.isin(later.users().astype(np.int64) * train.n_items + later.items, pairs)
    new &= later.values > 0
    if candidates is not None:
        new &= np.isin(later.items, candidates)
    owners, items = later.users()[new], later.items[new]
    past = np.diff(train.indptr) > 0
    owners, items = owners[past[owners]], items[past[owners]]
    users, place = np.unique(owners, return_inverse=True)
    relevant = Relevant.from_pairs(place, items, n_users=len(users))
    return Test(parts.train, train.select(users), relevant, candidates)


def cars_test(*, days: int = DAYS, later: int = LATER, seed: int = SEED) -> Test:
    """Five thousand cars and three thousand visitors; `days` before the cut and `later` after."""
    market = Cars(n_items=N_CARS, n_visitors=N_VISITORS, seed=seed)
    whole = market.dataset(days + later)
    on_sale = np.zeros(market.n_items, np.bool_)
    for day in range(later):
        on_sale |= market.live(days + day)
    rows = whole.item_vocabulary.rows(market.item_ids.filter(pl.Series(on_sale)))
    cut = START + timedelta(days=days)
    return test_of(whole, GlobalTime(cut=cut), rows[rows >= 0].astype(np.int32))


def compare(bench: Bench, name: str, found: Mapping[str, Float64Array]) -> None:
    """Every model's mean, and by how much the nets are ahead, paired by user."""
    for who, values in found.items():
        mean = bootstrap_mean(values)
        add(bench, f"{name}/{who}/ndcg@10", mean.estimate, (mean.low, mean.high))
    for who, values in found.items():
        if who != "realtime":
            ahead = bootstrap_difference(found["realtime"], values)
            ends = (ahead.low, ahead.high)
            what = f"{name}/realtime less {who}/ndcg@10, lower end of the interval"
            add(bench, what, ahead.low, ends, target=0.0)


def add(
    bench: Bench,
    name: str,
    value: float,
    interval: tuple[float, float],
    *,
    target: float | None = None,
) -> None:
    """Record and say a figure with its interval."""
    print(
        f"{name}: {value:.4f} [{interval[0]:.4f}, {interval[1]:.4f}]", file=sys.stderr, flush=True
    )
    bench.add(name, value, higher_is_better=True, interval=interval, target=target)


def fitted(train: Dataset, config: RealtimeConfig) -> dict[str, Recommender[Any]]:
    """All models, the nets first."""
    models: dict[str, Recommender[Any]] = {
        "realtime": Realtime(config),
        "sar": SAR(),
        "als": ALS(),
        "popular": Popular(),
    }
    for name, model in models.items():
        start = time.perf_counter()
        model.fit(train)
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    return models


def groups(test: Test) -> dict[str, Test]:
    """All visitors, those with a few events, and all of them asked for new cars alone."""
    touched = np.bincount(test.train.item_rows, minlength=test.train.n_items) > 0
    few = {f"/visitors with {n} events": test.after(n) for n in EVENTS}
    new = test.only(np.flatnonzero(~touched).astype(np.int32))
    return {"": test, **few, "/cars never seen in training": new}


def cars(bench: Bench, *, name: str = "cars", seeds: tuple[int, ...] = (SEED,)) -> None:
    """Visitors of all these marketplaces together; each has models of its own."""
    found: dict[str, dict[str, list[Float64Array]]] = {}
    for seed in seeds:
        test = cars_test(seed=seed)
        models = fitted(test.train, CARS)
        for group, asked in groups(test).items():
            for who, model in models.items():
                lists = found.setdefault(group, {}).setdefault(who, [])
                lists.append(asked.per_user(model))
    for group, values in found.items():
        joined = {who: np.concatenate(parts) for who, parts in values.items()}
        compare(bench, f"{name}{group}", joined)


def markets(bench: Bench) -> None:
    """Marketplaces on which nothing was chosen: intervals are half as wide."""
    cars(bench, name="four more marketplaces", seeds=MORE)


def movies(bench: Bench) -> None:
    whole = source("ml-1m").read(data_folder("ml-1m") / "ml-1m")
    test = test_of(whole, GlobalTime(test_ratio=0.2), None)
    models = fitted(test.train, MOVIES)
    found = {who: test.per_user(model) for who, model in models.items()}
    compare(bench, "ml-1m by time", found)


def main() -> None:
    parts: dict[str, Callable[[Bench], None]] = {
        "cars": cars,
        "markets": markets,
        "ml-1m": movies,
    }
    chosen = [word for word in sys.argv[1:] if word in parts] or list(parts)
    rest = [word for word in sys.argv[1:] if word not in parts]
    bench = Bench("accuracy-realtime", "The real-time nets", runs=1, arguments=rest)
    for name in chosen:
        parts[name](bench)
    bench.finish()


if __name__ == "__main__":
    main()

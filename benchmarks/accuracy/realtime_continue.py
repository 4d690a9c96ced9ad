"""A release that learns on, against what it was and against training anew: generated cars.

Learned from the first 20 days; the next 6 are new, and what happens in the 4 after judges, over
the catalogue as it then is. Three marketplaces, none of which chose a setting; users of all count
once each, and differences are paired by user. Seconds are of the processor, of one thread.

Cars' visitors keep their tastes. What is forgotten is measured where tastes move: fans of one
make come back alone and buy another; how much of what the others are shown is still theirs?

    python benchmarks/accuracy/realtime_continue.py --json FILE
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Bench
from palate import columns as c
from palate.data.dataset import Dataset
from palate.data.generated.cars import Cars
from palate.metrics import Ranking
from palate.metrics.ndcg import ndcg
from palate.models.realtime import Realtime, RealtimeConfig
from palate.release.window import Window, cut_window
from palate.stats import bootstrap_difference, bootstrap_mean
from palate.testing.moving_market import MOVED, fans_of, moving_market
from palate.types import Float64Array

SEEDS: Final = (21, 22, 23)
START: Final = datetime(2024, 1, 1, tzinfo=UTC)
JUDGED: Final = 30  # days in all
MOMENT, NOW = START + timedelta(days=20), START + timedelta(days=26)
CARS: Final = RealtimeConfig(epochs=12)
SMALL: Final = RealtimeConfig(
    epochs=8, batch_size=64, learning_rate=0.01, dimension=16, hidden=24, rank_hidden=(16, 8),
    catalogue=16, recent=6, heads=2, min_count=1, bins=4, validation=0.0,
)  # fmt: skip


def until(whole: Dataset, moment: datetime) -> Dataset:
    """What had happened by then."""
    return whole.with_interactions(whole.interactions.filter(pl.col(c.TIMESTAMP) <= moment))


def judged(model: Realtime, window: Window, known: Dataset) -> Float64Array:
    """NDCG@10 of each user, over the catalogue as it is now."""
    model.with_items(known)
    theirs = known.interactions.filter(pl.col(c.USER_ID).is_in(list(window.users.ids)))
    top = model.top_k(known.histories_of(theirs, window.users), 10)
    return ndcg(Ranking(top.items, window.relevant), 10)


def further(saved: Path, known: Dataset, since: datetime, **changes: float) -> Realtime:
    """The released model, having learned what is new."""
    model = Realtime.load(saved)
    return model.continue_fit(known, since=since, config=model.config.model_copy(update=changes))


def one_market(seed: int, saved: Path) -> Iterator[tuple[str, Float64Array, float]]:
    """Each way of being up to date: its name, NDCG@10 of each user, processor seconds."""
    whole = Cars(n_items=5_000, n_visitors=3_000, seed=seed).dataset(JUDGED)
    old, known = until(whole, MOMENT), until(whole, NOW)
    window = cut_window(whole, NOW, exclude_seen=True, min_value=None)
    Realtime(CARS).fit(old).save(saved)
    ways: dict[str, Callable[[], Realtime]] = {
        "base": lambda: Realtime.load(saved),
        "continued": lambda: further(saved, known, MOMENT),
        "without replay": lambda: further(saved, known, MOMENT, replay=0.0),
        "anew": lambda: Realtime(CARS).fit(known),
    }
    for who, make in ways.items():
        start = time.process_time()
        model = make()
        taken_s = time.process_time() - start
        yield who, judged(model, window, known), taken_s


def cars(bench: Bench, folder: Path) -> None:
    """Base, continued with and without replay, and trained anew."""
    values: dict[str, list[Float64Array]] = {}
    seconds: dict[str, list[float]] = {}
    for seed in SEEDS:
        for who, found, taken_s in one_market(seed, folder / str(seed)):
            values.setdefault(who, []).append(found)
            seconds.setdefault(who, []).append(taken_s)
            print(f"{seed} {who}: {found.mean():.4f}, {taken_s:.1f} s", file=sys.stderr, flush=True)
    _add_all(bench, {who: np.concatenate(parts) for who, parts in values.items()})
    for who in ("continued", "anew"):
        taken_s = float(np.median(seconds[who]))
        bench.add(f"cars/{who}/processor seconds", taken_s, unit="s", higher_is_better=False)


def _add_all(bench: Bench, values: dict[str, Float64Array]) -> None:
    for who, found in values.items():
        mean = bootstrap_mean(found)
        name = f"cars/{who}/ndcg@10"
        bench.add(name, mean.estimate, higher_is_better=True, interval=(mean.low, mean.high))
    for other, target in (("base", 0.0), ("without replay", None), ("anew", None)):
        ahead = bootstrap_difference(values["continued"], values[other])
        bench.add(
            f"cars/continued less {other}/ndcg@10, lower end of the interval",
            ahead.low,
            higher_is_better=True,
            interval=(ahead.low, ahead.high),
            target=target,
        )


def moving(bench: Bench, folder: Path) -> None:
    """Shares of what is shown, where the fans of A take to C and nobody else comes back."""
    whole = moving_market()
    first_days = until(whole, MOVED)
    Realtime(SMALL).fit(first_days).save(folder / "moving")
    models = {"base": Realtime.load(folder / "moving")}
    for name, replay in (("continued", SMALL.replay), ("without replay", 0.0)):
        models[name] = further(
            folder / "moving", whole, MOVED, replay=replay, continue_rate=1.0, continue_epochs=5
        )
    for name, model in models.items():
        model.with_items(first_days)
        for fans, make in (("A", "C"), ("B", "B"), ("D", "D")):
            shown = model.recommend(fans_of(fans), 4)[c.ITEM_ID]
            share = float(shown.str.starts_with(make).mean())
            bench.add(f"moving tastes/{name}/fans of {fans}, {make}", share, higher_is_better=True)


def main() -> None:
    title = "A release that learns on"
    bench = Bench("accuracy-realtime_continue", title, runs=1, arguments=sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="palate-") as temporary:
        moving(bench, Path(temporary))
        cars(bench, Path(temporary))
    bench.finish()


if __name__ == "__main__":
    main()

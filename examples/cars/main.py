"""A car marketplace in the Python API: what visitors want, and who finds out.

python examples/cars/main.py                 a generated catalogue
python examples/cars/main.py DATA            the same visitors over DATA/cars-catalogue, real cars
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl

from palate import SAR, ContentKNN, Dataset, Popular
from palate.data.dataset import epoch_us
from palate.data.generated.cars import Cars
from palate.data.sources import cars_catalogue
from palate.features.profile import (
    Preferences,
    ProfileDefinition,
    Statistics,
    learn_prior,
    preferences,
)
from palate.models.als import ALS

DAYS = 30
MOST_CARS = 6_000
DAY_US = 86_400_000_000


def load(folder: Path | None) -> Cars:
    """Generated cars, or a sample of the real ones where there is a copy of them."""
    if folder is None:
        return Cars(n_items=MOST_CARS, n_visitors=1_000, seed=7)
    items = cars_catalogue.read(folder / cars_catalogue.NAME)
    return Cars.over(items.sample(MOST_CARS, seed=7), n_visitors=1_000, seed=7)


def show_a_profile(cars: Cars, dataset: Dataset) -> None:
    """One visitor's profile after 1, 3, 10 and all events, beside what they truly want."""
    definition = ProfileDefinition(
        attributes={
            name: cars.schema.items[name] for name in ("make", "body", "colour", "fuel", "price")
        },
        events=cars.schema.events,
    )
    evidence = {
        row["item_id"]: definition.evidence(row) for row in dataset.items.iter_rows(named=True)
    }
    times = epoch_us(dataset.interactions)
    people: dict[str, Statistics] = {}
    busiest = dataset.interactions["user_id"].value_counts(sort=True)["user_id"][0]
    snapshots: dict[int, Statistics] = {}
    for (user, item, event), at in zip(
        dataset.interactions.select("user_id", "item_id", "event").iter_rows(), times, strict=True
    ):
        kept = people.setdefault(user, Statistics.empty(definition))
        kept.observe(evidence[item], definition.weight(event, None), int(at), definition)
        if user == busiest:
            n = len(snapshots) + 1
            snapshots[n] = Statistics(
                kept.fingerprint,
                kept.unit_us,
                {name: dict(counts) for name, counts in kept.counts.items()},
                dict(kept.moments),
            )
    now = int(times.max())
    average = learn_prior(people.values(), definition, now)
    print(f"What is believed of {busiest}, and how sure that is:")
    for n in (1, 3, 10, len(snapshots)):
        if n in snapshots:
            print(f"  {n:4d} events  {_told(preferences(snapshots[n], average, now, definition))}")
    print(f"  the truth    {_truth(cars, busiest)}\n")


def _told(found: Preferences) -> str:
    """The likeliest value of some attributes."""
    said = []
    for name in ("make", "body"):
        one = found.categories[name]
        value = max(one.probability, key=one.probability.__getitem__)
        said.append(f"{value} {one.probability[value]:.0%} ± {one.deviation[value]:.0%}")
    price = found.numbers["price"]  # on its scale, ln(1 + euros)
    said.append(f"{np.expm1(price.mean):,.0f} euros ± {price.deviation:.0%}")
    return ", ".join(said)


def _truth(cars: Cars, visitor: str) -> str:
    """The makes and bodies among the hundred cars that the visitor would like best."""
    (row,) = cars.visitor_rows([visitor])
    liked = np.argsort(-cars.utility([row], np.arange(cars.n_items))[0])[:100]
    best = cars.items[liked]
    said = []
    for name in ("make", "body"):
        known = best[name].drop_nulls()
        value, count = known.value_counts(sort=True).row(0)
        said.append(f"{value} {count / len(known):.0%}")
    price = np.nanmedian(best["price"].cast(pl.Float64).to_numpy())
    return ", ".join([*said, f"{price:,.0f} euros"])


def compare_models(cars: Cars, train: Dataset) -> None:
    """How much of what could be gained over chance each model's first ten cars gain."""
    there = cars.item_ids.filter(pl.Series(cars.live(DAYS)))
    there = there.filter(there.is_in(train.items["item_id"].implode()))
    counts = np.diff(train.histories.indptr)
    users = [train.user_vocabulary.id(int(row)) for row in np.flatnonzero(counts >= 3)[:300]]
    truth = cars.utility(cars.visitor_rows(users), cars.item_rows(there))
    best = np.sort(truth, axis=1)[:, -10:].mean()
    print(f"{'ten cars of':14}  how much visitors like them, chance = 0, the best there are = 1")
    for model in (Popular(), SAR(), ALS(), ContentKNN()):
        found = model.fit(train).recommend(users, k=10, candidates=there.to_list())
        liked = cars.pair_utility(
            cars.visitor_rows(found["user_id"]), cars.item_rows(found["item_id"])
        )
        share = (liked.mean() - truth.mean()) / (best - truth.mean())
        print(f"{type(model).__name__:14}  {share:5.2f}  {'█' * round(40 * max(share, 0))}")


def main(folder: Path | None) -> None:
    """Look at the marketplace, at one visitor, and at some models."""
    cars = load(folder)
    changes = cars.changes(DAYS)["why"].value_counts(sort=True)
    print(f"{cars.n_items:,} cars, {cars.n_visitors:,} visitors; in {DAYS} days:")
    print("  " + ", ".join(f"{count:,} {why}" for why, count in changes.rows()))
    dataset = cars.dataset(DAYS)
    events = dataset.interactions["event"].value_counts(sort=True)
    print("  " + ", ".join(f"{count:,} {event}" for event, count in events.rows()) + "\n")
    show_a_profile(cars, dataset)
    compare_models(cars, dataset)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)

"""Profiles: events taken in, one person's vector read, and what shrinkage is worth.

Events are taken in by the state on LMDB, and counted by the second of one core's time; a vector is
read, decoded and computed by the clock. One event of a person of whom little, much and very much
is known is timed twice: added to statistics at hand, and with the bytes of that person read and
written around it. The last is on made-up people whose tastes are known: how many bits it takes to
say which value their next item has, by their profile, by the shares of what they did (of which one
percent is spread evenly, so that nothing is impossible), and by the average person alone.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from harness import Bench, Side
from palate.config import Attribute
from palate.features.profile import ProfileDefinition, Statistics, learn_prior, preferences
from palate.types import AttributeKind, Float64Array, Int64Array

EVENTS = 100_000  # of one run, after as many that make people known
PER_S = 10_000.0  # targets
READ_US = 20.0
PEOPLE = 2_000
SEEN = (1, 3, 5, 10, 100)
FEW = 5  # up to here the profile must beat the shares
VALUES = 30
STRENGTH = 6.0  # A of the people's own Dirichlet distribution
EVEN = 0.01
NOW_US = 1_700_000_000_000_000
DEFINITION = ProfileDefinition(attributes={"make": Attribute(kind=AttributeKind.CATEGORY)})
MAKES = [f"make {n}" for n in range(VALUES)]


def main() -> None:
    bench = Bench("speed-profiles", "Profiles: update, read, shrinkage", runs=3)
    _speed(bench)
    _shrinkage(bench)
    bench.finish()


def _speed(bench: Bench) -> None:
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        side = Side("profiles_palate.py", arguments=(str(EVENTS),))
        runs = bench.in_turn({"ours": side}, Path(temporary))["ours"]
    bench.add(
        "profiles/events into histories and profiles, batches of 1,000, one core",
        [run["per_s"] for run in runs],
        unit="events/s",
        higher_is_better=True,
        target=PER_S,
    )
    bench.add(
        "profiles/the same without profiles",
        [run["without_per_s"] for run in runs],
        unit="events/s",
        higher_is_better=True,
    )
    bench.add(
        "profiles/one person's vector from the store",
        [run["read_us"] for run in runs],
        unit="us",
        higher_is_better=False,
        target=READ_US,
    )
    bench.add(
        "profiles/one person's vector from the store, 99th percentile",
        [run["read_p99_us"] for run in runs],
        unit="us",
        higher_is_better=False,
    )
    for known in runs[0]["event_us"]:
        bench.add(
            f"profiles/one event of a person with {int(known):,} values, added",
            [run["event_us"][known] for run in runs],
            unit="us",
            higher_is_better=False,
        )
        bench.add(
            f"profiles/one event of a person with {int(known):,} values, read, added, written",
            [run["event_written_us"][known] for run in runs],
            unit="us",
            higher_is_better=False,
        )
    bench.add(
        "profiles/values known of a person, median",
        [float(run["values"]) for run in runs],
        higher_is_better=True,
    )


def _people(seen: Int64Array, rng: np.random.Generator) -> tuple[Float64Array, Float64Array]:
    """(n, VALUES) float64: what they did in so many events each, and what they would do."""
    usual = 1.0 / np.arange(1, VALUES + 1)
    tastes = rng.dirichlet(STRENGTH * usual / usual.sum(), len(seen))
    done = [rng.multinomial(n, taste) for n, taste in zip(seen, tastes, strict=True)]
    return np.array(done, np.float64), tastes


def _statistics(done: Float64Array) -> list[Statistics]:
    return [
        Statistics(
            DEFINITION.fingerprint,
            NOW_US,
            {"make": {MAKES[v]: float(row[v]) for v in np.flatnonzero(row)}},
        )
        for row in done
    ]


def _bits(tastes: Float64Array, believed: Float64Array) -> float:
    """Of the next value, on average over people, by what is believed of each."""
    return float(-(tastes * np.log2(believed)).sum(axis=1).mean())


def _shrinkage(bench: Bench) -> None:
    rng = np.random.default_rng(0)
    some, _ = _people(rng.choice(SEEN, PEOPLE), rng)  # other people than those below
    prior = learn_prior(_statistics(some), DEFINITION, NOW_US)
    for seen in SEEN:
        done, tastes = _people(np.full(PEOPLE, seen), rng)
        shrunk, average = (
            np.array(
                [
                    [found.probability.get(make, found.rest) for make in MAKES]
                    for one in people
                    for found in [preferences(one, prior, NOW_US, DEFINITION).categories["make"]]
                ]
            )
            for people in (_statistics(done), [Statistics.empty(DEFINITION)])
        )
        shares = (1.0 - EVEN) * done / seen + EVEN / VALUES
        by_shares = _bits(tastes, shares)
        name = f"profiles/bits of the next value, after {seen} event{'s' * (seen > 1)}"
        bench.add(
            f"{name}, by the profile",
            _bits(tastes, shrunk),
            unit="bits",
            higher_is_better=False,
            target=by_shares if seen <= FEW else None,
        )
        bench.add(f"{name}, by shares", by_shares, unit="bits", higher_is_better=False)
        bench.add(
            f"{name}, by the average", _bits(tastes, average), unit="bits", higher_is_better=False
        )
        bench.add(
            f"{name}, taste known",
            _bits(tastes, np.maximum(tastes, 1e-300)),
            unit="bits",
            higher_is_better=False,
        )


if __name__ == "__main__":
    main()

"""Our side of the benchmark of profiles: events taken into the state, and one profile read."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from profile_world import SCHEMA, START_US, attributes

from palate.config import Attribute
from palate.events.identity import uuid7
from palate.events.log.base import Record
from palate.events.schema import ITEM_UPSERTED, Event
from palate.features.profile import Packing, ProfileDefinition, ProfileLayout, Statistics
from palate.features.profile.refresh import refresh_prior
from palate.features.state import State
from palate.store.lmdb_store import LmdbStore
from palate.types import AttributeKind

N_ITEMS = 20_000
N_PEOPLE = 5_000
BATCH = 1_000  # as the writer commits under load
READS = 20_000
HISTORY_LIMIT = 500
SECOND_US = 1_000_000
KNOWN = (10, 1_000, 10_000)  # values of the people whose events are timed one by one
SAID = 10  # values that one of their items has
TIMED = 5_000


def _events(n: int, start: int, rng: np.random.Generator) -> list[Record]:
    people = rng.integers(0, N_PEOPLE, n).tolist()
    items = (rng.zipf(1.3, n) % N_ITEMS).tolist()
    kinds = rng.choice(["view", "save", "contact"], n, p=[0.85, 0.12, 0.03]).tolist()
    return [
        Record(
            start + row + 1,
            Event(
                event=kinds[row],
                event_id=uuid7(),
                user_id=f"user-{people[row]}",
                item_id=f"car-{items[row]}",
                timestamp=START_US + (start + row) * SECOND_US,
            ),
        )
        for row in range(n)
    ]


def _taken_in(folder: Path, definition: ProfileDefinition | None, n: int) -> tuple[State, float]:
    """A state with n events, and how many more it took in a second of one core's time."""
    rng = np.random.default_rng(0)
    state = State(LmdbStore(folder), SCHEMA, HISTORY_LIMIT, profile=definition)
    cars = [
        Record(row + 1, Event(event=ITEM_UPSERTED, item_id=f"car-{row}", timestamp=1, attributes=a))
        for row, a in enumerate(attributes(N_ITEMS, rng))
    ]
    for first in range(0, N_ITEMS, BATCH):
        state.apply(cars[first : first + BATCH])
    records = _events(2 * n, N_ITEMS, rng)
    for first in range(0, n, BATCH):  # people who are known already are the usual case
        state.apply(records[first : first + BATCH])
    start = time.process_time()
    for first in range(n, 2 * n, BATCH):
        state.apply(records[first : first + BATCH])
    return state, n / (time.process_time() - start)


def _read_us(state: State, definition: ProfileDefinition) -> tuple[float, float, int]:
    """Microseconds of one read, vector included: median and 99th percentile; values of a person."""
    now = START_US + 10**6 * SECOND_US
    prior = refresh_prior(state.profiles, now)
    assert prior is not None
    layout = ProfileLayout(definition, prior)
    names = [f"user-{n}" for n in np.random.default_rng(1).integers(0, N_PEOPLE, READS)]
    fingerprint = definition.fingerprint
    seconds, sizes = [], []
    for name in names:
        start = time.perf_counter()
        kept = state.profiles.user(name, fingerprint)
        assert kept is not None
        layout.vector(kept, now)
        seconds.append(time.perf_counter() - start)
        sizes.append(len(kept.codes()))
    middle, last = np.quantile(seconds[100:], [0.5, 0.99]) * 1e6
    return float(middle), float(last), int(np.median(sizes))


def _event_us(folder: Path, known: int) -> tuple[float, float]:
    """Microseconds of one event of somebody of whom so many values are known: median of each.

    Added to statistics at hand; and read from the store, added to and written again.
    """
    names = [f"attribute {n}" for n in range(SAID)]
    attributes = {name: Attribute(kind=AttributeKind.CATEGORY) for name in names}
    packing = Packing(ProfileDefinition(attributes=attributes))
    values = [str(n) for n in range(known // SAID)]
    counts = {name: dict.fromkeys(values, 1.0) for name in names}
    kept = packing.packed(Statistics(packing.fingerprint, START_US, counts))
    drawn = np.random.default_rng(2).integers(0, len(values), (TIMED, SAID)).tolist()
    said = [
        packing.evidence({name: values[v] for name, v in zip(names, row, strict=True)})
        for row in drawn
    ]
    added, written = [], []
    for n, evidence in enumerate(said):
        start = time.perf_counter()
        kept.observe(evidence, 1.0, START_US + n * SECOND_US)
        added.append(time.perf_counter() - start)
    with LmdbStore(folder / f"known-{known}") as store:
        store.write({b"p": kept.to_bytes()})
        for n, evidence in enumerate(said[: TIMED // 10]):
            start = time.perf_counter()
            raw = store.get(b"p")
            assert raw is not None
            kept = packing.read(raw)
            kept.observe(evidence, 1.0, START_US + n * SECOND_US)
            store.write({b"p": kept.to_bytes()})
            written.append(time.perf_counter() - start)
    return float(np.median(added[100:]) * 1e6), float(np.median(written[100:]) * 1e6)


def main(inputs: Path, output: Path, n: int) -> None:
    definition = ProfileDefinition.of(SCHEMA)
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        plain, without = _taken_in(Path(temporary) / "plain", None, n)
        plain.close()
        state, with_profiles = _taken_in(Path(temporary) / "profiles", definition, n)
        middle, last, values = _read_us(state, definition)
        state.close()
        events = {str(known): _event_us(Path(temporary), known) for known in KNOWN}
    figures = {
        "per_s": with_profiles,
        "without_per_s": without,
        "alone_per_s": 1.0 / max(1.0 / with_profiles - 1.0 / without, 1e-9),
        "read_us": middle,
        "read_p99_us": last,
        "values": values,
        "event_us": {known: added for known, (added, _) in events.items()},
        "event_written_us": {known: written for known, (_, written) in events.items()},
    }
    output.write_text(json.dumps(figures))


main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))

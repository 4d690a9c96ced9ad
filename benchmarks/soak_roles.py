"""A gateway, an embedder and an indexer over Redis, under load, while each of them is killed.

`kill -9` hits a random part every few seconds, sometimes two at once: the Redis server, the
gateway's supervisor, its writer or a worker, the embedder, the indexer. Each is hit once, in random
order, before they are drawn by shares, and the run goes on until that is done. Visitors, dealers
and clients that post events go on at a steady rate. What must hold: every acknowledged event is in
the log once, and the state is what the log says; no answer shows a car whose sale was acknowledged
before the question, or one at a price that it does not have any more, or mixes embedding spaces; no
status from 500 but 503, and that only while something is down; in the end the index holds what is
for sale.

`PALATE_SOAK_S` is how many seconds it takes, 300 by default.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from audit import audit
from harness import Bench
from palate.config import Settings
from palate.features.ingest import open_state
from palate.release.registry import open_releases
from palate.retrieval.embeddings import open_embeddings
from palate.retrieval.indexer import Indexer
from palate.retrieval.processes import open_snapshots
from palate.store.chosen import open_pointer
from soaking.market import VISITORS, Market, build_market
from soaking.parts import Gateway, Part, Redis, Role, free_port, running
from soaking.people import Dealer, Looker, Visitor
from soaking.reaper import Kill, Reaper
from soaking.truth import Truth

__all__ = ["Soak", "index_faults"]

POSTERS = 2  # clients; each with 3 events a tick of 0.1 s
EVENTS_A_TICK = 3
VISITING = 4  # clients; each with 1 question a tick
DEALERS = 1  # each with 1 change a tick
SWAP_S = 10.0  # between two changes of what `stable` names
START_S = 120.0
BEYOND_S = 120.0  # at most so much longer, until each part was killed once
LAST_S = 60.0  # for the last events to be acknowledged, and the index to follow
SHOWN = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0], add_help=False)
    seconds = float(os.environ.get("PALATE_SOAK_S", "300"))
    parser.add_argument("--seconds", type=float, default=seconds)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="leave home and logs in this new folder")
    options, others = parser.parse_known_args()
    title = f"{options.seconds:.0f} s of roles over Redis under kill -9"
    bench = Bench("soak_roles", title, runs=1, arguments=others)
    if options.keep is not None:
        options.keep.mkdir(parents=True)
        faults = soak(bench, options.keep.absolute(), options)
    else:
        with tempfile.TemporaryDirectory(prefix="palate-soak-") as temporary:
            faults = soak(bench, Path(temporary), options)
    bench.finish()
    for fault in faults[:SHOWN]:
        print(f"FAULT: {fault}")
    print(
        f"the soak failed: {len(faults)} faults" if faults else "the soak passed: nothing is wrong"
    )
    raise SystemExit(1 if faults else 0)


def soak(bench: Bench, folder: Path, options: argparse.Namespace) -> list[str]:
    """Run it, add its figures to `bench`, and return what must not be."""
    one = Soak(folder, options.seed)
    try:
        one.start()
        seconds = one.run(options.seconds)
        faults = one.end()
    finally:
        one.stop()
    _record(bench, one, seconds)
    return faults


@dataclass(frozen=True)
class _Crowd:
    """All clients."""

    posters: Sequence[Looker]
    visitors: Sequence[Visitor]
    dealers: Sequence[Dealer]

    @property
    def all(self) -> Sequence[Looker | Visitor | Dealer]:
        return (*self.posters, *self.visitors, *self.dealers)


class Soak:
    """The parts, the clients, and who kills.

    Args:
        folder: For home, server's files and logs.
        seed: Of all that is drawn.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._random = random.Random(seed)
        self._log = folder / "service.log"
        (folder / "redis").mkdir()
        self._redis = Redis(folder / "redis", self._random)
        self._folder = folder
        self._parts: dict[str, Part] = {"redis": self._redis}
        self._promoting = threading.Event()
        self.market: Market
        self.crowd: _Crowd
        self.reaper: Reaper
        self.swaps = 0

    def start(self) -> None:
        """Start every part, and wait until all is well."""
        self._redis.start()
        port = free_port()
        folder = self._folder / "market"
        self.market = build_market(folder, url=self._redis.url, port=port)
        home = self.market.settings.home
        self._parts |= {n: Role(n, folder, self._log) for n in ("gateway", "embedder", "indexer")}
        self._parts |= {n: Gateway(n, home, self._random) for n in ("writer", "worker")}
        for name in ("gateway", "embedder", "indexer"):
            self._parts[name].start()
        url = f"http://127.0.0.1:{port}"
        self._pointer = open_pointer(home, self.market.settings)
        snapshots = open_snapshots(self.market.settings, self._pointer)
        self.reaper = Reaper(url, self.market, self._parts, snapshots, self._random)
        truth = Truth(self.market.cars)
        self.truth = truth
        if not running(self.reaper.all_is_well, START_S):
            raise SystemExit(f"the service did not come up:\n{self._log.read_text()[-4000:]}")
        calm, cars = self.reaper.calm, list(self.market.cars.items())
        self.crowd = _Crowd(
            [
                Looker(
                    url, calm, n, EVENTS_A_TICK, event="view", users=VISITORS, items=[*truth.live()]
                )
                for n in range(POSTERS)
            ],
            [Visitor(url, calm, 100 + n, 1, truth, self.market.spaces) for n in range(VISITING)],
            [Dealer(url, calm, 200 + n, 1, truth, dict(cars[n::DEALERS])) for n in range(DEALERS)],
        )

    def run(self, seconds: float) -> float:
        """Load and kills for so long, and until each part was killed; how long it was."""
        began = time.monotonic()
        promoter = threading.Thread(target=self._promote, daemon=True)
        for client in (*self.crowd.all, self.reaper, promoter):
            client.start()
        time.sleep(seconds)
        running(lambda: not self.reaper.spared, BEYOND_S)
        lasted = time.monotonic() - began
        self.reaper.ending.set()
        self._promoting.set()
        self.reaper.join()
        promoter.join()
        for client in (*self.crowd.posters, *self.crowd.dealers):
            client.draining = True
        running(lambda: not self._pending(), LAST_S)
        for client in self.crowd.all:
            client.ending.set()
        for client in self.crowd.all:
            client.join()
        return lasted

    def _pending(self) -> int:
        return sum(client.pending for client in (*self.crowd.posters, *self.crowd.dealers))

    def _promote(self) -> None:
        """Swap what two aliases name: nets and index of another space answer."""
        first, second = self.market.spaces
        releases = open_releases(self.market.settings.home)
        while not self._promoting.wait(SWAP_S):
            first, second = second, first
            # Both stay named, so both spaces are embedded all the time.
            releases.promote(first, "stable", by="soak", reason="swap")
            releases.promote(second, "canary", by="soak", reason="swap")
            self.swaps += 1
        releases.close()

    def end(self) -> list[str]:
        """Let the index follow, end the service, and look at what it leaves."""
        settings, truth = self.market.settings, self.truth
        faults = [fault for client in self.crowd.all for fault in client.failed]
        if self._pending():
            faults.append(f"{self._pending()} events or changes were never acknowledged")
        if not running(lambda: not index_faults(settings, self.market.spaces.values()), LAST_S):
            faults += index_faults(settings, self.market.spaces.values())
        for name in ("gateway", "embedder", "indexer"):
            self._parts[name].stop()
        acknowledged = [i for poster in self.crowd.posters for i in poster.acknowledged]
        (self._folder / "acknowledged.txt").write_text("\n".join(acknowledged))
        faults += audit(settings, acknowledged).faults
        faults += _catalogue_faults(settings, truth)
        faults += [f"{part} was never killed" for part in self.reaper.spared]
        faults += [
            f"killed {kill.what}: not well again after {kill.longest_s:.1f} s"
            for kill in self.reaper.kills
            if kill.longest_s == float("inf")
        ]
        return faults

    def stop(self) -> None:
        """End whatever runs; Redis last."""
        for part in (*list(self._parts.values())[1:], self._redis):
            part.stop()


def index_faults(settings: Settings, spaces: Iterable[str]) -> list[str]:
    """How what each space's snapshot and topic say differs from what is for sale."""
    faults: list[str] = []
    with (
        closing(open_state(settings.home, settings, read_only=True)) as state,
        closing(open_pointer(settings.home, settings)) as pointer,
        closing(open_embeddings(settings.home, read_only=True)) as topic,
    ):
        live = {item for item, known in state.items(limit=1_000_000) if known.showable}
        snapshots = open_snapshots(settings, pointer)
        for space in spaces:
            found = snapshots.pointed(space)
            if found is None:
                faults.append(f"space {space} has no snapshot")
                continue
            index, manifest = snapshots.load(found[0].current)
            indexer = Indexer(topic, index, space, after=manifest.embeddings_offset)
            indexer.catch_up()
            held = set(index.items()[0])
            if held != live:
                faults.append(
                    f"the index of space {space} lacks {len(live - held)} cars that are for sale, "
                    f"and holds {len(held - live)} that are not"
                )
    return faults


def _catalogue_faults(settings: Settings, truth: Truth) -> list[str]:
    """How the state differs from what dealers were told."""
    with closing(open_state(settings.home, settings, read_only=True)) as state:
        known = dict(state.items(limit=1_000_000))
    now = time.monotonic()
    lost = [car for car in truth.live() if car not in known]
    sold = [car for car in truth.gone() if car in known]
    dear = [
        car
        for car in truth.live() & known.keys()
        if known[car].attributes["price"] not in truth.prices(car, now, now)
    ]
    named = (("is for sale and not there", lost), ("was sold and is there", sold),
             ("has another price", dear))  # fmt: skip
    return [f"{car} {what}" for what, cars in named for car in cars]


def _record(bench: Bench, one: Soak, seconds: float) -> None:
    crowd, reaper = one.crowd, one.reaper
    acknowledged = sum(len(poster.acknowledged) for poster in crowd.posters)
    slates = sum(visitor.slates for visitor in crowd.visitors)
    for name, value in (
        ("events acknowledged", acknowledged / seconds),
        ("changes of cars acknowledged", sum(d.changes for d in crowd.dealers) / seconds),
        ("slates", slates / seconds),
    ):
        bench.add(f"soak_roles/{name}", value, unit="1/s", higher_is_better=True)
    for name, count in (
        ("swaps of release and space", one.swaps),
        ("kills", len(reaper.kills)),
        *((f"kills of {part}", count) for part, count in sorted(reaper.killed.items())),
    ):
        bench.add(f"soak_roles/{name}", count, higher_is_better=True)
    for name, count in (
        ("wrong or failed answers", sum(len(client.failed) for client in crowd.all)),
        ("empty slates", sum(visitor.empty for visitor in crowd.visitors)),
    ):
        bench.add(f"soak_roles/{name}", count, higher_is_better=False, target=0)
    for name, count in (
        ("degraded slates", sum(visitor.degraded for visitor in crowd.visitors)),
        ("503 while something was down", sum(client.turned_away for client in crowd.all)),
        ("parts that ended by themselves", reaper.restarts),
        ("connections lost or refused meanwhile", sum(client.lost for client in crowd.all)),
    ):
        bench.add(f"soak_roles/{name}", count, higher_is_better=False)
    slowest = max(visitor.slowest_s for visitor in crowd.visitors)
    bench.add("soak_roles/slowest read in calm moments", slowest, unit="s", higher_is_better=False)
    for name, times in sorted(_recoveries(reaper.kills).items()):
        bench.add(f"soak_roles/{name}", times, unit="s", higher_is_better=False)


def _recoveries(kills: Sequence[Kill]) -> Mapping[str, list[float]]:
    """By what was killed and what was well again: seconds."""
    found: dict[str, list[float]] = {}
    for kill in kills:
        what = "two at once" if "+" in kill.what else kill.what
        for well, seconds in kill.recovery_s.items():
            found.setdefault(f"{what}: {well}", []).append(seconds)
    return found


if __name__ == "__main__":
    main()

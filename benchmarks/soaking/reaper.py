"""Kills parts of the service at random, has them brought back, and times the recovery.

What well means depends on what was killed: an event is acknowledged and a slate is answered whole;
for all but a worker or the indexer, a car that is listed afterwards is found in the index, too; for
the indexer, a newer snapshot is pointed to.
"""

from __future__ import annotations

import http.client
import random
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from palate.errors import StoreError
from palate.retrieval.snapshot import Snapshots
from soaking.client import ask
from soaking.market import HOME, PROBE, VISITORS, Market
from soaking.parts import Part, Role
from soaking.truth import PROBES

__all__ = ["Kill", "Reaper"]

MOMENT_S = 0.5  # in which clients find out that their connection died
GIVE_UP_S = 60.0
LOOK_S = 0.02
REST_S = (2.0, 5.0)
DEALING_REST_S = (1.0, 2.0)  # until each was killed once: a soak of 30 s has time for all of them
TWO_AT_ONCE = 0.2
SHARES = {
    "redis": 0.3,
    "gateway": 0.1,
    "writer": 0.15,
    "worker": 0.15,
    "embedder": 0.15,
    "indexer": 0.15,
}
INDEXED = frozenset({"redis", "gateway", "writer", "embedder"})


@dataclass
class Kill:
    """One of them, or two at once.

    Attributes:
        what: Names of the parts, joined by `+`.
        at: When, monotonic seconds.
        recovery_s: By what was well again, seconds from the kill; infinite if never.
    """

    what: str
    at: float
    recovery_s: dict[str, float] = field(default_factory=dict)

    @property
    def longest_s(self) -> float:
        """Until all was well."""
        return max(self.recovery_s.values())


class Reaper(threading.Thread):
    """Kills, waits until all is well, rests a while, and kills again.

    Every part is killed once, in random order; from then on they are drawn by their shares.

    Args:
        url: Of the service.
        market: What it serves.
        parts: By name.
        snapshots: Opens them; called once.
        random_: Of what is drawn.

    Attributes:
        kills: Those so far.
        killed: How often each part was.
        restarts: How often a part had ended by itself and was started again.
    """

    def __init__(
        self,
        url: str,
        market: Market,
        parts: Mapping[str, Part],
        snapshots: Snapshots,
        random_: random.Random,
    ) -> None:
        super().__init__(daemon=True)
        self.kills: list[Kill] = []
        self.killed = Counter(dict.fromkeys(SHARES, 0))
        self.restarts = 0
        self.ending = threading.Event()
        self._began = 0
        self._well_at = 0.0
        self._url = urlsplit(url)
        self._market = market
        self._parts = parts
        self._snapshots = snapshots
        self._random = random_
        self._order = random_.sample(list(SHARES), len(SHARES))

    @property
    def spared(self) -> list[str]:
        """The parts that were not killed yet, in the order in which they will be."""
        return [name for name in self._order if not self.killed[name]]

    def calm(self, at: float) -> bool:
        """Whether all was well a moment before `at`, and nothing was killed since."""
        return self._began == len(self.kills) and at > self._well_at + MOMENT_S

    def run(self) -> None:
        while not self.ending.wait(self._rest()):
            victims = self._victims()
            kill = Kill("+".join(victims), time.monotonic())
            self._began += 1
            pointed = self._pointed() if "indexer" in victims else {}
            for name in victims:
                self.killed[name] += self._parts[name].kill()
            # Redis last: it is away for a while.
            for name in sorted(victims, key=lambda name: name == "redis"):
                self._parts[name].bring_back()
            kill.recovery_s = self._recovered(kill.at, victims, pointed)
            self._well_at = time.monotonic()
            self.kills.append(kill)
            said = ", ".join(f"{what} after {s:.2f} s" for what, s in kill.recovery_s.items())
            print(f"  killed {kill.what}: {said}", file=sys.stderr)

    def _rest(self) -> float:
        return self._random.uniform(*(DEALING_REST_S if self.spared else REST_S))

    def _victims(self) -> list[str]:
        names = list(SHARES)
        (drawn,) = self._random.choices(names, list(SHARES.values()))
        first = next(iter(self.spared), drawn)
        if self._random.random() >= TWO_AT_ONCE:
            return [first]
        return [first, self._random.choice([name for name in names if name != first])]

    # ------------------------------------------------------------------ well again

    def all_is_well(self) -> bool:
        """Once: whether events are taken, slates are whole, and listed cars are found."""
        return self._answers() and self._indexes(f"{PROBES}start")

    def _recovered(
        self, at: float, victims: Sequence[str], pointed: Mapping[str, int]
    ) -> dict[str, float]:
        found = {"answers": self._until(self._answers, at)}
        if INDEXED.intersection(victims):
            make = f"{PROBES}{len(self.kills)}"
            found["finds what is listed"] = self._until(lambda: self._indexes(make), at)
            self._request("DELETE", f"/v1/items/{make}")
        if "indexer" in victims:
            found["points to a newer snapshot"] = self._until(
                lambda: any(v > pointed.get(s, 0) for s, v in self._pointed().items()), at
            )
        return found

    def _until(self, is_well: Callable[[], bool], at: float) -> float:
        while time.monotonic() < at + GIVE_UP_S:
            if is_well():
                return time.monotonic() - at
            for part in self._parts.values():
                if isinstance(part, Role):
                    self.restarts += part.look_after()
            time.sleep(LOOK_S)
        return float("inf")

    def _answers(self) -> bool:
        event = {
            "event": "view",
            "event_id": str(uuid.uuid4()),
            "user_id": VISITORS[0],
            "item_id": next(iter(self._market.cars)),
        }
        posted = self._request("POST", "/v1/events", [event])
        if posted is None or posted["results"][0]["verdict"] != "accepted":
            return False
        slate = self._request(
            "POST", "/v1/recommendations", {"user_id": VISITORS[0], "surface": HOME}
        )
        return slate is not None and not slate["degraded"]

    def _indexes(self, make: str) -> bool:
        """Lists a car of a make of its own, and looks for it; it is listed again each time."""
        car = {**next(iter(self._market.cars.values())), "make": make}
        put = self._request("PUT", f"/v1/items/{quote(make)}", {"attributes": car})
        if put is None:
            return False
        deadline = time.monotonic() + 1.0
        question = {"surface": PROBE, "filters": {"make": make}, "user_id": VISITORS[0]}
        while time.monotonic() < deadline:
            slate = self._request("POST", "/v1/recommendations", question)
            if slate is not None and [one["item_id"] for one in slate["items"]] == [make]:
                return True
            time.sleep(LOOK_S)
        return False

    def _pointed(self) -> dict[str, int]:
        """Space to the version of its pointer; nothing while the server is away."""
        try:
            found = {space: self._snapshots.pointed(space) for space in self._spaces}
        except StoreError:
            return {}
        return {space: one[1] for space, one in found.items() if one is not None}

    @property
    def _spaces(self) -> list[str]:
        return list(self._market.spaces.values())

    def _request(self, method: str, path: str, body: Any = None) -> Any:
        """The answer, through a connection of its own; None for any but 200."""
        host, port = self._url.hostname or "", self._url.port
        connection = http.client.HTTPConnection(host, port, timeout=GIVE_UP_S / 10)
        try:
            status, answer = ask(connection, method, path, body)
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()
        return answer if status == 200 else None

"""How soon the service reflects what a visitor did, and what became of an item.

A visitor is asked for twice, views the car that came first, and is asked for again. The answer must
be without that car, and another one: most cars that both answers have must have another score. A
score is of one person and one car, so that the car that is gone changes none, and a new price that
of one car alone. How often the two answers before the view differed so is reported as well.

Then a copy of that car is put and looked for, is deleted, and is looked for until it is gone: from
the answers, and from the indexes as explanations show them, in which the last filter says whom it
dropped as deleted. A degraded answer proves nothing of all this: the service is asked again, and
the clock runs on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from serving.realtime_world import NEAR, SURFACE

__all__ = ["BadAnswerError", "Freshness", "Slate", "asked", "has_changed"]

LOOK_S = 0.002
FOUND_S = 30.0
SAME = 1e-3  # relative: scores read the moment, which alone moves them by some millionths
TRIES = 20  # of which one answer must not be degraded


class BadAnswerError(Exception):
    """An answer that is not what it must be; it is counted."""


@dataclass(frozen=True)
class Slate:
    """An answer, in which there is one item at least.

    Attributes:
        scores: Of its items, best first.
        degraded: Whether it is less than it should be.
        deleted: Items that the index still gave and the last filter dropped; None where the
            answer does not explain itself.
    """

    scores: dict[str, float]
    degraded: bool
    deleted: frozenset[str] | None = None


def asked(
    client: httpx.Client, user: str, surface: str = SURFACE, *, explain: bool = False
) -> Slate:
    """One answer.

    Raises:
        BadAnswerError: It is empty.
    """
    question = {"user_id": user, "surface": surface, "explain": explain}
    answered = client.post("/v1/recommendations", json=question).raise_for_status()
    found: dict[str, Any] = answered.json()
    if not found["items"]:
        raise BadAnswerError("an answer is empty")
    said = found.get("explanation")
    return Slate(
        {one["item_id"]: one["score"] for one in found["items"]},
        found["degraded"],
        None if said is None else frozenset(said["examples"].get("deleted", ())),
    )


def has_changed(before: Mapping[str, float], after: Mapping[str, float]) -> bool:
    """Whether most items of both answers have another score; or most are in one of them alone."""
    shared = before.keys() & after.keys()
    if 2 * len(shared) < min(len(before), len(after)):
        return True
    moved = sum(abs(after[item] - before[item]) > SAME * abs(before[item]) for item in shared)
    return 2 * moved > len(shared)


class Freshness:
    """One visitor and one new car after the other.

    Args:
        clients: The first acts, and visitors are asked for through each in turn; through all of
            them a car must be found, and be gone.

    Attributes:
        events_ms: From a view to the next answer.
        items_ms: From a PUT until the car was in a slate through every client.
        gone_ms: From a DELETE until it was in none.
        dropped_ms: From a DELETE until no worker's index gave it.
        alike: Pairs of answers to one visitor with nothing between them.
        unlike: Those that would have counted as changed.
        degraded: Answers to visitors that were, and were asked for again.
        bad: Answers that were refused, empty or stale, and cars that were not found, or not gone.
    """

    def __init__(self, clients: Sequence[httpx.Client]) -> None:
        self._clients = clients
        self._turn = 0
        self.events_ms: list[float] = []
        self.items_ms: list[float] = []
        self.gone_ms: list[float] = []
        self.dropped_ms: list[float] = []
        self.alike = self.unlike = self.degraded = self.bad = 0

    def go_on(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            user = f"fresh-{time.time_ns()}"
            try:
                best = self.view(user)
                self.delete(user, self.put(user, best))
            except (httpx.HTTPError, BadAnswerError) as error:
                print(f"freshness: {error!r}", file=sys.stderr, flush=True)
                self.bad += 1

    def view(self, user: str) -> str:
        """Has a visitor view the car that came first; which it was.

        Raises:
            BadAnswerError: The next answer is as if nothing had been viewed.
        """
        self._turn += 1
        asks = self._clients[self._turn % len(self._clients)]
        first = self._sound(asks, user)
        before = self._sound(asks, user)
        self.alike += 1
        self.unlike += has_changed(first, before)
        best = next(iter(before))
        due = time.perf_counter()
        view = {"event": "view", "user_id": user, "item_id": best}
        self._clients[0].post("/v1/events", json=[view]).raise_for_status()
        after = self._sound(asks, user, without=best)
        self.events_ms.append(1e3 * (time.perf_counter() - due))
        if not has_changed(before, after):
            raise BadAnswerError("an answer after the acknowledgement is the one before")
        return best

    def put(self, user: str, like: str) -> str:
        """Puts a car like the one that was viewed, until it is found; its id.

        Raises:
            BadAnswerError: It was not found.
        """
        client = self._clients[0]
        attributes = client.get(f"/v1/items/{like}").raise_for_status().json()["attributes"]
        name = f"new-{time.time_ns()}"
        due = time.perf_counter()
        client.put(f"/v1/items/{name}", json={"attributes": attributes}).raise_for_status()
        self._wait(
            lambda one: name in asked(one, user, NEAR).scores, due, self.items_ms, f"find {name}"
        )
        return name

    def delete(self, user: str, name: str) -> None:
        """Deletes a car that was found, until it is gone.

        Else fifty of its kind would hide the next one: all strangers are shown the same car.

        Raises:
            BadAnswerError: It is there, or there again.
        """
        due = time.perf_counter()
        self._clients[0].delete(f"/v1/items/{name}").raise_for_status()

        def is_gone(client: httpx.Client) -> bool:
            found = asked(client, user, NEAR)
            return not found.degraded and name not in found.scores

        def is_dropped(client: httpx.Client) -> bool:
            found = asked(client, user, NEAR, explain=True)
            if name in found.scores:
                raise BadAnswerError(f"{name} was gone, and came back")
            return not found.degraded and found.deleted is not None and name not in found.deleted

        self._wait(is_gone, due, self.gone_ms, f"lose {name}")
        self._wait(is_dropped, due, self.dropped_ms, f"drop {name} from the indexes")

    def _sound(
        self, client: httpx.Client, user: str, *, without: str | None = None
    ) -> dict[str, float]:
        """The scores of the first answer that is not degraded."""
        for _ in range(TRIES):
            found = asked(client, user)
            if without in found.scores:
                raise BadAnswerError("an answer after the acknowledgement shows what was viewed")
            if not found.degraded:
                return found.scores
            self.degraded += 1
        raise BadAnswerError(f"{TRIES} answers one after the other are degraded")

    def _wait(
        self, is_so: Callable[[httpx.Client], bool], due: float, took_ms: list[float], what: str
    ) -> None:
        """Until it is so through every client; takes down how long that was."""
        waiting = list(self._clients)
        while waiting := [one for one in waiting if not is_so(one)]:
            if time.perf_counter() - due > FOUND_S:
                took_ms.append(1e3 * (time.perf_counter() - due))
                raise BadAnswerError(f"in {FOUND_S:.0f} s it was not possible to {what}")
            time.sleep(LOOK_S)
        took_ms.append(1e3 * (time.perf_counter() - due))

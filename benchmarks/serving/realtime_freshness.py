"""How soon the service reflects what a visitor did, and what became of an item."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import httpx

from serving.realtime_world import NEAR, SURFACE

__all__ = ["Freshness", "watches"]

LOOK_S = 0.002
FOUND_S = 30.0


class BadAnswerError(Exception):
    """An answer that is not what it must be; it is counted."""


def asked(client: httpx.Client, user: str, surface: str = SURFACE) -> list[str]:
    """The ids of an answer's items, one at least."""
    answered = client.post("/v1/recommendations", json={"user_id": user, "surface": surface})
    found = [one["item_id"] for one in answered.raise_for_status().json()["items"]]
    if not found:
        raise BadAnswerError("an answer is empty")
    return found


@contextmanager
def watches(url: str, n: int) -> Iterator[list[httpx.Client]]:
    """Clients of one connection each, made one after the other, so that workers share them out."""
    with ExitStack() as opened:
        clients = [opened.enter_context(httpx.Client(base_url=url, timeout=60)) for _ in range(n)]
        for client in clients:
            client.get("/v1/surfaces").raise_for_status()
        yield clients


class Freshness:
    """One visitor and one new car after the other.

    Args:
        clients: The first acts; through all of them a car must be found.

    Attributes:
        events_ms: From a view to the next answer.
        items_ms: From a PUT until the car was in a slate through every client.
        bad: Answers that were refused, empty or stale, and cars that were not found.
    """

    def __init__(self, clients: Sequence[httpx.Client]) -> None:
        self._clients = clients
        self.events_ms: list[float] = []
        self.items_ms: list[float] = []
        self.bad = 0

    def go_on(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            user = f"fresh-{time.time_ns()}"
            try:
                best = self._view(user)
                self._put(user, best)
            except (httpx.HTTPError, BadAnswerError) as error:
                print(f"freshness: {error!r}", file=sys.stderr, flush=True)
                self.bad += 1

    def _view(self, user: str) -> str:
        """Has a visitor view the car that came first; which it was."""
        client = self._clients[0]
        best = asked(client, user)[0]
        due = time.perf_counter()
        view = {"event": "view", "user_id": user, "item_id": best}
        client.post("/v1/events", json=[view]).raise_for_status()
        shown = asked(client, user)
        self.events_ms.append(1e3 * (time.perf_counter() - due))
        if best in shown:
            raise BadAnswerError("an answer after the acknowledgement does not reflect the event")
        return best

    def _put(self, user: str, like: str) -> None:
        """Puts a car like the one that was viewed."""
        client = self._clients[0]
        found = client.get(f"/v1/items/{like}").raise_for_status()
        name = f"new-{time.time_ns()}"
        due = time.perf_counter()
        attributes = found.json()["attributes"]
        client.put(f"/v1/items/{name}", json={"attributes": attributes}).raise_for_status()
        waiting = list(self._clients)
        while waiting:
            waiting = [one for one in waiting if name not in asked(one, user, NEAR)]
            took = time.perf_counter() - due
            if waiting and took > FOUND_S:
                self.items_ms.append(1e3 * took)
                raise BadAnswerError(f"{name} was not found in {FOUND_S:.0f} s")
            time.sleep(LOOK_S if waiting else 0.0)
        self.items_ms.append(1e3 * took)
        # All strangers are shown the same car: fifty of its kind would hide the next one.
        client.delete(f"/v1/items/{name}").raise_for_status()

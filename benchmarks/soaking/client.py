"""Clients as in life: they keep their connection, and send again what nobody acknowledged."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Collection, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from soaking.world import ITEMS, USERS

__all__ = ["Calm", "Paced", "Poster", "Reader", "ask"]

TIMEOUT_S = 5.0
TICK_S = 0.1


class Calm(Protocol):
    """Says whether the service should be well."""

    def __call__(self, at: float) -> bool:
        """Whether it was at `at`, and nothing was killed since."""
        ...


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any = None
) -> tuple[int, Any]:
    """One request on a kept connection: its status and its JSON answer.

    Raises:
        OSError, http.client.HTTPException: The connection was lost; it is closed.
    """
    try:
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection.request(
            method, path, None if body is None else json.dumps(body).encode(), headers
        )
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    except (OSError, http.client.HTTPException):
        connection.close()
        raise


class Paced(threading.Thread, ABC):
    """A client with a connection of its own that does its turn every tick, until told to end.

    Attributes:
        statuses: How many answers of each.
        lost: Connections lost while something was being killed.
        turned_away: 503 while something was, where `patient`.
        failed: What must not be, in words.
        slowest_s: The longest answer in a calm moment.
    """

    patient = False  # whether 503 is an answer while something was being killed

    def __init__(self, url: str, calm: Calm, seed: int) -> None:
        super().__init__(daemon=True)
        address = urlsplit(url)
        self.connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=TIMEOUT_S
        )
        self.statuses: Counter[int] = Counter()
        self.lost = 0
        self.turned_away = 0
        self.failed: list[str] = []
        self.slowest_s = 0.0
        self.random = random.Random(seed)
        self.ending = threading.Event()
        self._calm = calm

    @abstractmethod
    def turn(self) -> None:
        """What it does in each tick."""

    def run(self) -> None:
        due = time.monotonic() + self.random.random() * TICK_S
        while not self.ending.is_set():
            time.sleep(max(0.0, due - time.monotonic()))
            due += TICK_S  # late turns follow at once: the rate holds
            self.turn()
        self.connection.close()

    def ask(
        self, method: str, path: str, body: Any = None, *, expected: Collection[int] = (200,)
    ) -> tuple[int, Any] | None:
        """The answer; None where the connection was lost, or it is none of those expected."""
        began = time.monotonic()
        try:
            status, answer = ask(self.connection, method, path, body)
        except (OSError, http.client.HTTPException) as error:
            if self._calm(began):
                self.failed.append(f"{method} {path}: {type(error).__name__} {error}")
            else:
                self.lost += 1
            return None
        self.statuses[status] += 1
        if status == 503 and self.patient and not self._calm(began):
            self.turned_away += 1
            return None
        if status not in expected:
            self.failed.append(f"{method} {path}: {status} {answer}")
            return None
        if self._calm(began):
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        return status, answer


class Reader(Paced):
    """Asks for slates, similar and popular items."""

    def __init__(self, url: str, calm: Calm, seed: int, a_tick: int) -> None:
        super().__init__(url, calm, seed)
        self._a_tick = a_tick

    def turn(self) -> None:
        for _ in range(self._a_tick):
            kind = self.random.random()
            if kind < 0.8:
                user = self.random.choice(USERS)
                self.ask("POST", "/v1/recommendations", {"user_id": user, "k": 10})
            elif kind < 0.9:
                self.ask("GET", f"/v1/items/{self.random.choice(ITEMS)}/similar?k=5")
            else:
                self.ask("GET", "/v1/popular?k=10")


class Poster(Paced):
    """Posts events, one by one and in batches, each until it is acknowledged.

    Args:
        url: The service's.
        calm: Says whether it should be well.
        seed: Of what is drawn.
        a_tick: Events made in each tick.
        event: Their type.
        users: Who did something.
        items: To what.

    Attributes:
        acknowledged: Ids that the service said are safe.
    """

    def __init__(
        self,
        url: str,
        calm: Calm,
        seed: int,
        a_tick: int,
        *,
        event: str = "click",
        users: Sequence[str] = USERS,
        items: Sequence[str] = ITEMS,
    ) -> None:
        super().__init__(url, calm, seed)
        self.acknowledged: list[str] = []
        self._a_tick = a_tick
        self._event, self._users, self._items = event, users, items
        self._pending: deque[dict[str, Any]] = deque()

    draining = False  # no new events

    @property
    def pending(self) -> int:
        """Events that nobody has acknowledged yet."""
        return len(self._pending)

    def turn(self) -> None:
        for _ in range(0 if self.draining else self._a_tick):
            self._pending.append(
                {
                    "event": self._event,
                    "event_id": str(uuid.uuid4()),
                    "user_id": self.random.choice(self._users),
                    "item_id": self.random.choice(self._items),
                }
            )
        singles = self._a_tick // 2
        for _ in range(min(singles, len(self._pending))):
            self._post(1)
        if self._pending:
            self._post(len(self._pending))

    def _post(self, n: int) -> None:
        batch = [self._pending.popleft() for _ in range(min(n, 1000))]
        answered = self.ask("POST", "/v1/events", batch)
        results = [{"verdict": "lost"}] * len(batch) if answered is None else answered[1]["results"]
        for event, result in zip(batch, results, strict=True):
            if result["verdict"] in ("accepted", "duplicate"):
                self.acknowledged.append(event["event_id"])
            elif result["verdict"] in ("retry", "lost"):
                self._pending.append(event)
            else:
                self.failed.append(f"an event is {result}")

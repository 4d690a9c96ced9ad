"""Dealers and visitors, in a thread of their own: what they do is posted while the demo goes on."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from palate.cli.demo.client import Client
from palate.errors import PalateError
from palate.events.schema import ITEM_DELETED, ITEM_UPSERTED

if TYPE_CHECKING:
    from palate.events.schema import Event

__all__ = ["Stream"]

PAUSE_S = 0.01  # after each event: some 60 a second, so that two processors can also answer


class Stream:
    """Posts events one by one, as the routes want them.

    Args:
        client: Of the service.
        events: In order; what is not posted when the stream ends is left out.

    Attributes:
        posted: Acknowledged events by type.
        waits_ms: From sending to the acknowledgement, of each.
        failures: What went wrong, in words.
        spared: Ids of cars that nobody else may sell or change.
    """

    def __init__(self, client: Client, events: Sequence[Event]) -> None:
        self.posted: Counter[str] = Counter()
        self.waits_ms: list[float] = []
        self.failures: list[str] = []
        self.spared: set[str] = set()
        self._client = client
        self._events = events
        self._end = threading.Event()

    @contextmanager
    def running(self) -> Iterator[Stream]:
        """Post until the block ends."""
        thread = threading.Thread(target=self._run, name="dealers-and-visitors", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._end.set()
            thread.join()

    def _run(self) -> None:
        for event in self._events:
            if self._end.wait(PAUSE_S):
                return
            if event.item_id in self.spared and event.event in (ITEM_UPSERTED, ITEM_DELETED):
                continue
            started = time.perf_counter()
            try:
                self._post(event)
            except PalateError as error:
                self.failures.append(error.message)
                continue
            self.waits_ms.append(1000 * (time.perf_counter() - started))
            self.posted[event.event] += 1

    def _post(self, event: Event) -> None:
        item = f"/v1/items/{event.item_id}"
        if event.event == ITEM_UPSERTED:
            self._client.put(item, {"attributes": event.attributes})
        elif event.event == ITEM_DELETED:
            self._client.delete(item)
        else:
            tell(self._client, as_posted(event))


def as_posted(event: Event) -> dict[str, Any]:
    """What a shop's page would post now: the service gives it an id and a time."""
    names = ("event", "user_id", "anonymous_id", "item_id", "position", "surface", "context")
    return {name: value for name in names if (value := getattr(event, name)) is not None}


def tell(client: Client, event: dict[str, Any]) -> None:
    """Post one event.

    Raises:
        PalateError: The service did not accept it.
    """
    (result,) = client.post("/v1/events", {"events": [event]})["results"]
    if result["verdict"] != "accepted":
        raise PalateError(f"the service did not accept an event: {result}")

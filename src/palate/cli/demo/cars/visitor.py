"""A visitor whom nobody knows yet: asks, looks at what they like best, and is asked about."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from palate.cli.demo.cars.shop import Shop
from palate.cli.demo.cars.stream import tell
from palate.cli.demo.client import Client
from palate.data.generated.cars import CONTACT, SAVE, VIEW

__all__ = ["Visitor", "choose_visitor"]

ASKED = 20  # cars of a slate
LOOKED_AT = 300  # visitors who may be chosen
LIKED = 100  # cars that say what a visitor wants
SAVED_FROM, CONTACTED_FROM = 6.5, 9.0  # utility: as in the generated past


@dataclass(frozen=True)
class Slate:
    """One answer.

    Attributes:
        items: Ids, best first.
        release: What answered.
        degraded: Whether something simpler did.
        milliseconds: From sending to having read the answer.
    """

    items: list[str]
    release: str | None
    degraded: bool
    milliseconds: float


class Visitor:
    """One person of the shop under an id that the service has never heard of.

    Args:
        client: Of the service.
        shop: Knows what the visitor wants.
        row: Of the visitor in the shop.
        name: The anonymous id.
        surface: That is asked; None asks for the release's own answer.

    Attributes:
        last: The car that they looked at last.
    """

    def __init__(
        self, client: Client, shop: Shop, row: int, name: str, *, surface: str | None = None
    ) -> None:
        self.name = name
        self.row = row
        self._surface = surface
        self._client = client
        self._shop = shop
        self.last = ""
        self._done: set[str] = set()

    def ask(self, *, filters: dict[str, Any] | None = None) -> Slate:
        """Recommendations now."""
        body: dict[str, Any] = {"anonymous_id": self.name, "k": ASKED}
        if self._surface is not None:
            body["surface"] = self._surface
        if filters is not None:
            body["filters"] = filters
        started = time.perf_counter()
        answer = self._client.post("/v1/recommendations", body)
        took = 1000 * (time.perf_counter() - started)
        ids = [item["item_id"] for item in answer["items"]]
        return Slate(ids, answer["release"], answer["degraded"], took)

    def click(self, slate: Slate) -> tuple[str, str]:
        """Look at the car of the slate that pleases most; the event's type and the car."""
        new = [item for item in slate.items if item not in self._done]
        liked = self._shop.utility(self.row, new)
        best = int(liked.argmax())
        event = VIEW
        if liked[best] >= SAVED_FROM:
            event = CONTACT if liked[best] >= CONTACTED_FROM else SAVE
        tell(self._client, {"event": event, "anonymous_id": self.name, "item_id": new[best]})
        self.last = new[best]
        self._done.add(self.last)
        return event, new[best]

    def delight(self, slate: Slate) -> float:
        """How much the slate's first cars are liked: chance is 0, the best there are 1."""
        return self._shop.delight(self.row, slate.items, self._done)

    def truth(self, names: Sequence[str]) -> dict[str, tuple[str, float]]:
        """Of each attribute the commonest value of the cars liked best, and its share."""
        return wants(self._shop, self.row, names)


def wants(shop: Shop, row: int, names: Sequence[str]) -> dict[str, tuple[str, float]]:
    """Of each attribute the commonest value of the cars that a visitor likes best."""
    liked = shop.live[np.argsort(-shop.cars.utility([row], shop.live)[0])[:LIKED]]
    best = shop.cars.items[liked]
    found = {}
    for name in names:
        value, count = best[name].value_counts(sort=True).row(0)
        found[name] = (value, count / LIKED)
    return found


def choose_visitor(shop: Shop, names: Sequence[str]) -> int:
    """The row of the one whose wants are plainest: a demonstration may choose."""
    many = range(min(LOOKED_AT, shop.cars.n_visitors))
    plain = [min(share for _, share in wants(shop, row, names).values()) for row in many]
    return int(np.argmax(plain))

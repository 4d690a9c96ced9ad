"""Who comes to the marketplace: visitors, who must be told nothing wrong, and dealers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from soaking.client import Calm, Paced, Poster
from soaking.market import HOME, VISITORS
from soaking.truth import Truth

__all__ = ["Dealer", "Looker", "Visitor"]

LIMITS = (8_000.0, 15_000.0, 25_000.0)


class Looker(Poster):
    """A `Poster` who is patient."""

    patient = True


class Visitor(Paced):
    """Asks for slates and single cars, and holds each answer against the truth.

    Args:
        url: The service's.
        calm: Says whether it should be well.
        seed: Of what is drawn.
        a_tick: Questions in each tick.
        truth: What is known of the cars.
        spaces: Release to the space of its nets.

    Attributes:
        slates: How many there were.
        degraded: How many of them were.
        empty: How many of them held nothing.
        releases: Those that answered.
    """

    patient = True

    def __init__(
        self,
        url: str,
        calm: Calm,
        seed: int,
        a_tick: int,
        truth: Truth,
        spaces: Mapping[str, str],
    ) -> None:
        super().__init__(url, calm, seed)
        self._a_tick = a_tick
        self._truth = truth
        self._spaces = spaces
        self._cars: Sequence[str] = sorted(truth.live())
        self.slates = self.degraded = self.empty = 0
        self.releases: set[str] = set()

    def turn(self) -> None:
        for _ in range(self._a_tick):
            if self.random.random() < 0.85:
                self._ask_for_slate()
            else:
                self._ask_for_car()

    def _ask_for_slate(self) -> None:
        question: dict[str, Any] = {"user_id": self.random.choice(VISITORS), "surface": HOME}
        most = float("inf")
        if self.random.random() < 0.5:
            most = self.random.choice(LIMITS)
            question["filters"] = {"price": {"max": most}}
        began = time.monotonic()
        answered = self.ask("POST", "/v1/recommendations", question)
        if answered is None:
            return
        document = answered[1]
        items = [one["item_id"] for one in document["items"]]
        self.slates += 1
        self.degraded += document["degraded"]
        self.empty += not items
        self.failed += self._truth.wrong(items, began, time.monotonic(), most=most)
        release, space = document["release"], document.get("space")
        self.releases.add(release)
        if space is not None and self._spaces.get(release) != space:
            self.failed.append(f"release {release} answered in space {space}")

    def _ask_for_car(self) -> None:
        car = self.random.choice(self._cars)
        gone = car in self._truth.gone()
        began = time.monotonic()
        answered = self.ask("GET", f"/v1/items/{car}", expected=(200, 404))
        if answered is None:
            return
        status, document = answered
        if status == 404:
            if car in self._truth.live():
                self.failed.append(f"{car} is for sale, and was not there")
        elif gone:
            self.failed.append(f"{car} was sold, and was there")
        else:
            price = document["attributes"]["price"]
            right = self._truth.prices(car, began, time.monotonic())
            if price not in right:
                self.failed.append(f"{car} was said to cost {price}, not {sorted(right)}")


class Dealer(Paced):
    """Changes prices, sells and lists cars, each change until it is acknowledged.

    Args:
        url: The service's.
        calm: Says whether it should be well.
        seed: Of what is drawn; a dealer's own name.
        a_tick: Changes in each tick.
        truth: Is told of each.
        cars: This dealer's own, at first.

    Attributes:
        changes: Acknowledged ones.
    """

    patient = True

    def __init__(
        self,
        url: str,
        calm: Calm,
        seed: int,
        a_tick: int,
        truth: Truth,
        cars: Mapping[str, Mapping[str, Any]],
    ) -> None:
        super().__init__(url, calm, seed)
        self._a_tick = a_tick
        self._truth = truth
        self._cars = {item: dict(car) for item, car in cars.items()}
        self._models = list(self._cars.values())
        self._name = seed
        self._listed = 0
        self._due = 0
        self.changes = 0

    draining = False  # no new changes

    @property
    def pending(self) -> int:
        """Changes that are due."""
        return self._due

    def turn(self) -> None:
        self._due += 0 if self.draining else self._a_tick
        while self._due and not self.ending.is_set():
            self._change()
            self._due -= 1

    def _change(self) -> None:
        kind = self.random.random()
        if kind < 0.7:
            car = self.random.choice(list(self._cars))
            price = float(round(self._cars[car]["price"] * self.random.uniform(0.8, 1.2)))
            self._put(car, {**self._cars[car], "price": price})
        elif kind < 0.85:
            car = self.random.choice(list(self._cars))
            del self._cars[car]
            self._truth.selling(car)
            if self._until_done("DELETE", car, None):
                self._truth.sold(car)
        else:
            self._listed += 1
            car = f"new-{self._name}-{self._listed}"
            self._put(car, dict(self.random.choice(self._models)))

    def _put(self, car: str, attributes: dict[str, Any]) -> None:
        self._cars[car] = attributes
        change = self._truth.pricing(car, float(attributes["price"]))
        if self._until_done("PUT", car, {"attributes": attributes}):
            self._truth.done(change)

    def _until_done(self, method: str, car: str, body: Any) -> bool:
        while not self.ending.is_set():
            if self.ask(method, f"/v1/items/{car}", body) is not None:
                self.changes += 1
                return True
            time.sleep(0.05)
        return False

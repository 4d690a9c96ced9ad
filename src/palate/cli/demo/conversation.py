"""Ask the service for a user, tell it three things that the user does, and ask again."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from palate.cli.demo.choice import Choice
from palate.cli.demo.client import Client
from palate.errors import PalateError

if TYPE_CHECKING:
    from palate.data.dataset import Dataset

__all__ = ["Answer", "Films", "ask", "tell", "untouched"]

DEEP = 200  # items asked for, so that a later rank can be compared with an earlier one


@dataclass(frozen=True)
class Films:
    """Titles and genres by item id."""

    title: Mapping[str, str]
    genres: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, dataset: Dataset) -> Films:
        """Those of the items table."""
        rows = list(dataset.items.select("item_id", "title", "genres").iter_rows())
        return cls(
            {item: title or item for item, title, _ in rows},
            {item: genres or () for item, _, genres in rows},
        )


@dataclass(frozen=True)
class Answer:
    """A slate and how long it took.

    Attributes:
        release: What answered.
        items: As the service gave them, best first.
        milliseconds: From sending to having read the answer.
    """

    release: str
    items: Sequence[Mapping[str, Any]]
    milliseconds: float

    def rank(self, item_id: str) -> int | None:
        """From 1; None where the slate does not hold the item."""
        ids = [item["item_id"] for item in self.items]
        return ids.index(item_id) + 1 if item_id in ids else None


def ask(client: Client, user: str) -> Answer:
    """Recommendations for `user`, with reasons."""
    started = time.perf_counter()
    body = {"user_id": user, "k": DEEP, "explain": True}
    answer = client.post("/v1/recommendations", body)
    took = 1000 * (time.perf_counter() - started)
    return Answer(answer["release"], answer["items"], took)


def untouched(client: Client, choices: Sequence[Choice]) -> Choice:
    """The first choice whose user has done nothing since the data were imported.

    Raises:
        PalateError: Earlier runs of the demo have used them all.
    """
    for choice in choices:
        if len(client.get(f"/v1/users/{choice.user}")["events"]) == choice.events:
            return choice
    raise PalateError(
        "earlier runs have posted for every user", hint="rm -r palate-demo begins anew"
    )


def tell(client: Client, choice: Choice, *, event: str, value: float | None) -> float:
    """Post one event for each film; the milliseconds until all were acknowledged.

    Raises:
        PalateError: The service did not accept one.
    """
    one: dict[str, Any] = {"event": event, "user_id": choice.user}
    if value is not None:
        one["value"] = value
    events = [{**one, "item_id": film} for film in choice.films]
    started = time.perf_counter()
    results = client.post("/v1/events", {"events": events})["results"]
    took = 1000 * (time.perf_counter() - started)
    refused = [result for result in results if result["verdict"] != "accepted"]
    if refused:
        raise PalateError(f"the service did not accept an event: {refused[0]}")
    return took

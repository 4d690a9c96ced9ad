"""Ask the service for a user, tell it three things that the user does, and ask again."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from palate.cli.demo.client import Client
from palate.errors import PalateError

if TYPE_CHECKING:
    from palate.data.dataset import Dataset

__all__ = ["Answer", "Films", "Told", "ask", "choose_films", "choose_user", "tell"]

DEEP = 200  # items asked for, so that a later rank can be compared with an earlier one
GENRES = 10  # the most popular ones, from which the user's least liked is taken
FEW_EVENTS = 20  # a user with about so many changes visibly with three more


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


@dataclass(frozen=True)
class Told:
    """Events that were posted, and how long their acknowledgement took."""

    genre: str
    item_ids: Sequence[str]
    milliseconds: float


def choose_user(dataset: Dataset) -> str:
    """A user with few events, so that three more show."""
    import polars as pl

    counts = dataset.interactions.group_by("user_id").len()
    enough = counts.filter(pl.col("len") >= FEW_EVENTS)
    chosen = enough if enough.height else counts
    return str(chosen.sort("len", "user_id").item(0, "user_id"))


def ask(client: Client, user: str) -> Answer:
    """Recommendations for `user`, with reasons."""
    started = time.perf_counter()
    body = {"user_id": user, "k": DEEP, "explain": True}
    answer = client.post("/v1/recommendations", body)
    took = 1000 * (time.perf_counter() - started)
    return Answer(answer["release"], answer["items"], took)


def choose_films(client: Client, user: str, films: Films, answer: Answer) -> tuple[str, list[str]]:
    """Three popular films of the popular genre that the user has touched least.

    Films that the user has seen are left out, and those that are recommended first anyway.
    """
    seen = [event["item_id"] for event in client.get(f"/v1/users/{user}")["events"]]
    popular = [item["item_id"] for item in client.get("/v1/popular?k=1000")["items"]]
    weight: dict[str, int] = {}
    for place, item in enumerate(popular):
        for genre in films.genres.get(item, ()):
            weight[genre] = weight.get(genre, 0) + len(popular) - place
    known = sorted(weight, key=lambda genre: -weight[genre])[:GENRES]
    touched = {g: sum(g in films.genres.get(item, ()) for item in seen) for g in known}
    left_out = {*seen, *(item["item_id"] for item in answer.items[:10])}
    for genre in sorted(known, key=lambda g: (touched[g], g)):
        chosen = [i for i in popular if genre in films.genres.get(i, ()) and i not in left_out]
        if len(chosen) >= 3:
            return genre, chosen[:3]
    raise PalateError(f"user {user} has seen everything", hint="rm -r palate-demo begins anew")


def tell(
    client: Client, user: str, chosen: tuple[str, list[str]], *, event: str, value: float | None
) -> Told:
    """Post one event for each film.

    Raises:
        PalateError: The service did not accept one.
    """
    genre, item_ids = chosen
    events = [{"event": event, "user_id": user, "item_id": item} for item in item_ids]
    if value is not None:
        events = [{**one, "value": value} for one in events]
    started = time.perf_counter()
    results = client.post("/v1/events", {"events": events})["results"]
    took = 1000 * (time.perf_counter() - started)
    refused = [result for result in results if result["verdict"] != "accepted"]
    if refused:
        raise PalateError(f"the service did not accept an event: {refused[0]}")
    return Told(genre, item_ids, took)

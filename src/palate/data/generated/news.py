"""Seeded news whose clicks depend on entities alone: words say nothing, facts say it all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl

from palate import columns as c
from palate.config import Attribute, EventType, Schema
from palate.data.dataset import Dataset
from palate.data.times import TIMESTAMP_DTYPE
from palate.errors import DataError
from palate.types import AttributeKind, BoolArray, Float64Array, Int64Array

__all__ = ["GeneratedNews", "generate_news"]

N_TOPICS: Final = 8
LIKED: Final = 2  # topics of a user
SHOWN: Final = 8  # news of an impression
CLICKED_IF_LIKED: Final = 0.9
CLICKED_OTHERWISE: Final = 0.04
TEST_IMPRESSIONS: Final = 2  # of each user
ENTITIES_A_TOPIC: Final = 40
START: Final = datetime(2024, 1, 1, tzinfo=UTC)
HOUR_US: Final = 3_600_000_000
# A name is shared by entities of all topics, so that it tells none of them apart.
NAMES: Final = ("minister", "champion", "company", "museum", "doctor", "village", "band", "bridge")
BEFORE: Final = ("New", "Former", "Local", "Famous", "Young", "Old")
AFTER: Final = (
    "makes a statement", "faces questions", "celebrates", "in the spotlight", "returns",
    "loses support", "surprises everybody", "plans a change",
)  # fmt: skip


@dataclass(frozen=True)
class GeneratedNews:
    """News, what was clicked, and the truth behind it.

    Attributes:
        dataset: Items `n0001` with `title` and `entities` ("e012:minister": an id and its name
            in the title), those of the test among them; users `u0001`; events `click` (weight
            1) and `impression` (weight 0: shown and not clicked). All of an impression happened
            at one time.
        facts: head, relation, tail: each entity's `field`, and others of it that it `knows`.
        test: user_id, item_id, impression (int64), clicked (0 or 1), later than all events; none
            of its news stands in an event.
        chance: (n,) float64 beside `test`, how likely the click was: no ranking is better.
    """

    dataset: Dataset
    facts: pl.DataFrame
    test: pl.DataFrame
    chance: Float64Array


def generate_news(
    n_users: int = 300, n_items: int = 800, impressions: int = 10, seed: int = 42
) -> GeneratedNews:
    """Draw news, tastes and clicks.

    A user likes two of eight topics; a news item's topic is known by its entities alone. News
    that is shown is drawn evenly, and clicked with a chance of 0.9 if its topic is liked, 0.04
    otherwise.

    Args:
        n_users: At least 1.
        n_items: At least 40; a quarter of them stands in the test alone.
        impressions: Of each user, each of eight news; at least 1.
        seed: Same numbers and seed, same data.

    Raises:
        DataError: A number is too small.
    """
    if n_users < 1 or n_items < 40 or impressions < 1:
        raise DataError(
            f"cannot generate {impressions} impressions of {n_users} users on {n_items} news",
            hint="at least 1 impression, 1 user and 40 news",
        )
    rng = np.random.default_rng(seed)
    topics = rng.integers(0, N_TOPICS, n_items)
    liked = rng.random((n_users, N_TOPICS)).argsort(axis=1) < LIKED
    n_known = n_items - n_items // 4  # the later ones are for the test
    train = _shown(rng, liked, topics[:n_known], impressions)
    test = _shown(rng, liked, topics[n_known:], TEST_IMPRESSIONS)
    ids = _Ids(n_users, n_items)
    dataset = Dataset.from_canonical(
        _interactions(ids, train),
        items=_news(rng, ids.items, topics),
        users=pl.DataFrame({c.USER_ID: ids.users}),
        schema=Schema(
            events={"click": EventType(), "impression": EventType(weight=0.0)},
            items={
                "title": Attribute(kind=AttributeKind.TEXT),
                "entities": Attribute(kind=AttributeKind.CATEGORIES),
            },
        ),
        name="generated news",
    )
    asked = pl.DataFrame(
        {
            c.USER_ID: ids.users.gather(test.users),
            c.ITEM_ID: ids.items.gather(test.items + n_known),
            "impression": test.impressions,
            "clicked": test.clicked.astype(np.int64),
        }
    )
    likes = liked[test.users, topics[n_known:][test.items]]
    chance = np.where(likes, CLICKED_IF_LIKED, CLICKED_OTHERWISE)
    return GeneratedNews(dataset, _facts(rng), asked, chance)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What was shown, (n,) each, by impression."""

    users: Int64Array
    items: Int64Array
    impressions: Int64Array
    clicked: BoolArray


class _Ids:
    """Public ids of users and news."""

    def __init__(self, n_users: int, n_items: int) -> None:
        self.users = pl.Series([f"u{i + 1:0{len(str(n_users))}d}" for i in range(n_users)])
        self.items = pl.Series([f"n{i + 1:0{len(str(n_items))}d}" for i in range(n_items)])


def _shown(rng: np.random.Generator, liked: BoolArray, topics: Int64Array, each: int) -> _Shown:
    """`each` impressions of every user, each of distinct news."""
    n = len(liked) * each
    users = np.repeat(np.arange(len(liked)), each * SHOWN)
    items = np.stack([rng.permutation(len(topics))[:SHOWN] for _ in range(n)]).reshape(-1)
    likes = liked[users, topics[items]]
    clicked = rng.random(len(users)) < np.where(likes, CLICKED_IF_LIKED, CLICKED_OTHERWISE)
    return _Shown(users, items, np.repeat(np.arange(n), SHOWN), clicked)


def _interactions(ids: _Ids, shown: _Shown) -> pl.DataFrame:
    """Canonical rows, an hour between impressions."""
    times = round(START.timestamp() * 1e6) + shown.impressions * HOUR_US
    return pl.DataFrame(
        {
            c.USER_ID: ids.users.gather(shown.users),
            c.ITEM_ID: ids.items.gather(shown.items),
            c.EVENT: pl.Series(np.where(shown.clicked, "click", "impression").tolist()),
            c.VALUE: pl.repeat(None, len(times), dtype=pl.Float64, eager=True),
            c.TIMESTAMP: pl.Series(times).cast(TIMESTAMP_DTYPE),
        }
    )


def _news(rng: np.random.Generator, ids: pl.Series, topics: Int64Array) -> pl.DataFrame:
    """Titles drawn without regard to topics, and one or two entities of the topic."""
    titles, entities = [], []
    for topic in topics:
        name, other = rng.permutation(NAMES)[:2]
        first, second = rng.permutation(ENTITIES_A_TOPIC)[:2] * N_TOPICS + topic
        titles.append(f"{rng.choice(BEFORE)} {name} {rng.choice(AFTER)}")
        mentioned = [f"e{first:03d}:{name}"]
        if rng.random() < 0.5:
            titles[-1] += f", says {other}"
            mentioned.append(f"e{second:03d}:{other}")
        entities.append(mentioned)
    return pl.DataFrame({c.ITEM_ID: ids, "title": titles, "entities": entities})


def _facts(rng: np.random.Generator) -> pl.DataFrame:
    """Entity e of topic e mod 8: its field, and two of the same field that it knows."""
    rows = []
    for entity in range(N_TOPICS * ENTITIES_A_TOPIC):
        topic = entity % N_TOPICS
        rows.append((f"e{entity:03d}", "field", f"t{topic}"))
        for other in rng.integers(0, ENTITIES_A_TOPIC, 2) * N_TOPICS + topic:
            rows.append((f"e{entity:03d}", "knows", f"e{other:03d}"))
    return pl.DataFrame(rows, schema=["head", "relation", "tail"], orient="row")

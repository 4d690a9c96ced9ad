"""A seeded film catalogue: each user has a known taste for genres, and clicks follow it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl

from palate import columns as c
from palate.config import Attribute, EventType, Schema
from palate.data.dataset import Dataset
from palate.data.frames import TIMESTAMP_DTYPE
from palate.errors import DataError
from palate.types import AttributeKind, Float64Array, Int32Array, Int64Array

__all__ = ["GENRES", "Generated", "generate"]

GENRES: Final = (
    "Action", "Adventure", "Animation", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Horror", "Romance", "Sci-Fi", "Thriller",
)  # fmt: skip
FIRST: Final = (
    "Silent", "Crimson", "Golden", "Hidden", "Broken", "Last", "Distant", "Electric",
    "Winter", "Secret", "Burning", "Lost", "Paper", "Velvet", "Northern", "Hollow",
)  # fmt: skip
SECOND: Final = (
    "Harbour", "Garden", "Empire", "Letter", "River", "Machine", "Orchard", "Signal",
    "Mountain", "Mirror", "Station", "Island", "Promise", "Shadow", "Carnival", "Voyage",
)  # fmt: skip
CLICK: Final = "click"
TASTE_STRENGTH: Final = 6.0  # log odds between the best-liked and the least-liked genre
POPULARITY: Final = 0.7  # exponent of the Zipf law that items' popularity follows
START: Final = datetime(2024, 1, 1, tzinfo=UTC)
SPAN_US: Final = 180 * 86_400 * 1_000_000  # half a year
CHUNK_CELLS: Final = 1 << 22  # user-item lots held at once


@dataclass(frozen=True)
class Generated:
    """A dataset and the truth behind it.

    Attributes:
        dataset: Users `u0001`, films `m0001`; events of type click.
        taste: (n_users, n_genres) float64 from 0 to 1 by row of the user vocabulary: how much
            the user likes each of `GENRES`.
        genres: (n_items, n_genres) float64 by row of the item vocabulary; a film's genres
            share 1 equally.
    """

    dataset: Dataset
    taste: Float64Array
    genres: Float64Array

    def affinity(self) -> Float64Array:
        """(n_users, n_items) from 0 to 1: what an ideal recommender ranks by."""
        return self.taste @ self.genres.T


def generate(
    n_users: int = 300, n_items: int = 200, n_events: int = 10_000, seed: int = 42
) -> Generated:
    """Draw a catalogue, tastes and clicks.

    The chance of a click grows with `exp(TASTE_STRENGTH * affinity)` times the film's
    popularity; no user clicks a film twice. Every user clicks at least once.

    Args:
        n_users: At least 1.
        n_items: At least 2.
        n_events: Clicks in all; at least one a user, at most half of all pairs.
        seed: Same numbers and seed, same data.

    Raises:
        DataError: The numbers do not fit together.
    """
    if n_users < 1 or n_items < 2 or not n_users <= n_events <= n_users * n_items // 2:
        raise DataError(
            f"cannot generate {n_events} events of {n_users} users on {n_items} items",
            hint="at least one event a user, at most half of all user-item pairs",
        )
    rng = np.random.default_rng(seed)
    genres = _genres(rng, n_items)
    taste = _taste(rng, n_users)
    counts = _activity(rng, n_users, n_items, n_events)
    users, items = _clicks(rng, taste @ genres.T, _log_popularity(rng, n_items), counts)
    user_ids = [f"u{i + 1:0{len(str(n_users))}d}" for i in range(n_users)]
    item_ids = [f"m{i + 1:0{len(str(n_items))}d}" for i in range(n_items)]
    dataset = Dataset.from_canonical(
        _interactions(rng, user_ids, item_ids, users, items),
        items=_films(rng, item_ids, genres),
        users=pl.DataFrame({c.USER_ID: user_ids, "age": rng.integers(16, 80, n_users)}),
        schema=Schema(
            events={CLICK: EventType()},
            items={
                "title": Attribute(kind=AttributeKind.TEXT),
                "genres": Attribute(kind=AttributeKind.CATEGORIES, separator="|"),
                "year": Attribute(kind=AttributeKind.NUMBER),
            },
            users={"age": Attribute(kind=AttributeKind.NUMBER)},
        ),
        name="generated",
    )
    return Generated(dataset, taste, genres)


def _genres(rng: np.random.Generator, n_items: int) -> Float64Array:
    """One to three genres a film."""
    lots = rng.random((n_items, len(GENRES))).argsort(axis=1)
    member = lots < rng.integers(1, 4, n_items)[:, None]
    return np.asarray(member / member.sum(axis=1, keepdims=True))


def _taste(rng: np.random.Generator, n_users: int) -> Float64Array:
    """Two or three genres liked fully or nearly so, the others hardly."""
    lots = rng.random((n_users, len(GENRES))).argsort(axis=1)
    liked = lots < rng.integers(2, 4, n_users)[:, None]
    return np.where(liked, rng.uniform(0.8, 1.0, liked.shape), rng.uniform(0.0, 0.2, liked.shape))


def _log_popularity(rng: np.random.Generator, n_items: int) -> Float64Array:
    ranks = rng.permutation(n_items) + 1
    return -POPULARITY * np.log(ranks)


def _activity(rng: np.random.Generator, n_users: int, n_items: int, n_events: int) -> Int64Array:
    """(n_users,) clicks each: log-normal, at least 1, at most the catalogue, summing up."""
    counts = np.ones(n_users, np.int64)
    shares = rng.lognormal(0.0, 0.8, n_users)
    missing = n_events - n_users
    while missing:
        free = counts < n_items
        chances = np.where(free, shares, 0.0)
        counts = np.minimum(counts + rng.multinomial(missing, chances / chances.sum()), n_items)
        missing = n_events - int(counts.sum())
    return counts


def _clicks(
    rng: np.random.Generator,
    affinity: Float64Array,
    log_popularity: Float64Array,
    counts: Int64Array,
) -> tuple[Int32Array, Int32Array]:
    """Users and items of all clicks, in the order in which each user made them.

    The largest of log weight plus Gumbel noise is a draw without replacement in proportion
    to the weights (Efraimidis and Spirakis 2006).
    """
    n_users, n_items = affinity.shape
    users, items = [], []
    step = max(1, CHUNK_CELLS // n_items)
    for start in range(0, n_users, step):
        part = slice(start, min(start + step, n_users))
        keys = TASTE_STRENGTH * affinity[part] + log_popularity
        keys = keys + rng.gumbel(size=keys.shape)
        order = np.argsort(-keys, axis=1)
        taken = np.arange(n_items) < counts[part, None]
        users.append(np.nonzero(taken)[0] + start)
        items.append(order[taken])
    return np.concatenate(users).astype(np.int32), np.concatenate(items).astype(np.int32)


def _interactions(
    rng: np.random.Generator,
    user_ids: list[str],
    item_ids: list[str],
    users: Int32Array,
    items: Int32Array,
) -> pl.DataFrame:
    """Canonical rows in order of time, which is spread evenly over half a year."""
    times = rng.integers(0, SPAN_US, len(users)) + round(START.timestamp() * 1e6)
    order = np.argsort(times, kind="stable")
    return pl.DataFrame(
        {
            c.USER_ID: pl.Series(user_ids).gather(users[order]),
            c.ITEM_ID: pl.Series(item_ids).gather(items[order]),
            c.EVENT: pl.repeat(CLICK, len(users), dtype=pl.String, eager=True),
            c.VALUE: pl.repeat(None, len(users), dtype=pl.Float64, eager=True),
            c.TIMESTAMP: pl.Series(times[order]).cast(TIMESTAMP_DTYPE),
        }
    )


def _films(rng: np.random.Generator, item_ids: list[str], genres: Float64Array) -> pl.DataFrame:
    n = len(item_ids)
    first, second = rng.integers(0, len(FIRST), n), rng.integers(0, len(SECOND), n)
    years = rng.integers(1960, 2024, n)
    return pl.DataFrame(
        {
            c.ITEM_ID: item_ids,
            "title": [
                f"The {FIRST[a]} {SECOND[b]} ({y})"
                for a, b, y in zip(first, second, years, strict=True)
            ],
            "genres": [[GENRES[g] for g in np.flatnonzero(row)] for row in genres],
            "year": years,
        }
    )

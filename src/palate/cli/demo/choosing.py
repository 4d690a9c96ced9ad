"""Which user, and which three films: the pair whose answer changes most.

A person with hundreds of events hardly notices three more. The released model is asked what
three films of one genre would do to the slates of people with few events, and the largest
change is shown: it is real, and it is picked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from palate.cli.demo.choice import SHOWN, Choice
from palate.data.histories import Histories
from palate.types import Int64Array

if TYPE_CHECKING:
    from palate.data.dataset import Dataset
    from palate.models.base import Recommender

__all__ = ["choices"]

USERS = 25  # looked at, those with the fewest events first
ENOUGH_EVENTS = 20
FILMS = 3
LEFT_OUT = 10  # the first places of a slate: finding those would surprise nobody


def choices(
    dataset: Dataset, model: Recommender[Any], genres: Mapping[str, Sequence[str]]
) -> list[Choice]:
    """Every choice looked at, the largest change first.

    Args:
        dataset: What users did.
        model: Fitted on it, or loaded.
        genres: By item id.
    """
    popular = np.argsort(-model.popularity, kind="stable")
    by_genre = _by_genre(popular, model, genres)
    found = []
    for user_row in _users(dataset):
        history = dataset.histories.select(np.array([user_row]))
        sets = list(_sets(history, by_genre, model))
        if not sets:
            continue
        changes = _changes(history, [rows for _, rows in sets], model)
        user = dataset.user_vocabulary.id(int(user_row))
        found += [
            Choice(user, genre, [model.vocabulary.id(r) for r in rows], change, len(history))
            for (genre, rows), change in zip(sets, changes, strict=True)
        ]
    return sorted(found, key=lambda choice: -choice.change)


def _users(dataset: Dataset) -> Int64Array:
    """Rows of the users to look at."""
    counts = np.diff(dataset.histories.indptr)
    enough = np.flatnonzero(counts >= min(ENOUGH_EVENTS, counts.max()))
    return enough[np.argsort(counts[enough], kind="stable")][:USERS]


def _by_genre(
    popular: Int64Array, model: Recommender[Any], genres: Mapping[str, Sequence[str]]
) -> dict[str, list[int]]:
    """Rows of each genre's films, the most popular first."""
    found: dict[str, list[int]] = {}
    for row in popular.tolist():
        for genre in genres.get(model.vocabulary.id(row), ()):
            found.setdefault(genre, []).append(row)
    return dict(sorted(found.items()))


def _sets(
    history: Histories, by_genre: Mapping[str, Sequence[int]], model: Recommender[Any]
) -> Iterator[tuple[str, list[int]]]:
    """For each genre the most popular films that are neither seen nor recommended first."""
    first = model.top_k(history, LEFT_OUT).items[0].tolist()
    out = {*history.items.tolist(), *first}
    for genre, rows in by_genre.items():
        chosen = [row for row in rows if row not in out][:FILMS]
        if len(chosen) == FILMS:
            yield genre, chosen


def _changes(history: Histories, sets: Sequence[list[int]], model: Recommender[Any]) -> list[int]:
    """One a set: new items among the first ones once the user has touched a set."""
    before = model.top_k(history, SHOWN).items[0]
    size = len(history) + FILMS
    items = np.array([[*history.items, *rows] for rows in sets], np.int32)
    value = np.float32(history.values.max(initial=1.0))
    values = np.concatenate([history.values, np.full(FILMS, value, np.float32)])
    now = history.timestamps.max(initial=0) + 1
    timestamps = np.concatenate([history.timestamps, np.full(FILMS, now, np.int64)])
    variants = Histories(
        np.arange(len(sets) + 1, dtype=np.int64) * size,
        items.ravel(),
        np.tile(values, len(sets)),
        np.tile(timestamps, len(sets)),
        history.n_items,
    )
    after = model.top_k(variants, SHOWN).items
    return [len(set(slate) - set(before.tolist())) for slate in after.tolist()]

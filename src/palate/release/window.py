"""What happened after both models' data: the only events that may judge between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import polars as pl

from palate import columns as c
from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.data.vocabulary import Vocabulary
from palate.metrics.relevant import Relevant
from palate.release.bundle import LoadedRelease
from palate.types import Int32Array

__all__ = ["Window", "cut_window", "histories_for", "rank"]


@dataclass(frozen=True, slots=True)
class Window:
    """Users who did something new after `start`, what it was, and what they did before.

    Attributes:
        start: Events up to and including it are history.
        end: The newest event; None where nothing happened after `start`.
        users: Those with something relevant in the window.
        relevant: What it was, over these users and the items of the whole dataset.
        dataset: Interactions up to `start`, of all users.
    """

    start: datetime
    end: datetime | None
    users: Vocabulary
    relevant: Relevant
    dataset: Dataset


def cut_window(
    dataset: Dataset, start: datetime, *, exclude_seen: bool, min_value: float | None
) -> Window:
    """Cut `dataset` at `start`.

    An item is relevant to a user who did something to it in the window that the settings
    give a positive weight; with `exclude_seen`, only if it was new to the user, since an
    item seen before is not recommended. Events without a time count as history.

    Args:
        dataset: All events, those before the window included.
        start: Excluded from the window.
        exclude_seen: Whether slates leave out what the user knows.
        min_value: Least weight (times value where that counts) that makes an item relevant.
    """
    after = pl.col(c.TIMESTAMP).is_not_null() & (pl.col(c.TIMESTAMP) > start)
    late = dataset.interactions.filter(after)
    early = dataset.interactions.filter(~after)
    keys = [c.USER_ID, c.ITEM_ID]
    new = late.join(early.select(keys), on=keys, how="anti") if exclude_seen else late
    everyone = Vocabulary.sorted(new[c.USER_ID].unique())
    done = dataset.histories_of(new, everyone)
    good = done.values > 0 if min_value is None else done.values >= min_value
    rows, users = np.unique(done.users()[good], return_inverse=True)
    return Window(
        start,
        late.select(pl.col(c.TIMESTAMP).max()).item(),
        Vocabulary(everyone.id(int(row)) for row in rows),
        Relevant.from_pairs(users, done.items[good], n_users=len(rows)),
        dataset.with_interactions(early),
    )


def histories_for(release: LoadedRelease, dataset: Dataset, users: Vocabulary) -> Histories:
    """What `users` did in `dataset`, in the rows and weights that the release was made with."""
    own = replace(
        dataset,
        schema=release.manifest.schema_,
        item_vocabulary=release.model.vocabulary,
    )
    theirs = dataset.interactions.filter(pl.col(c.USER_ID).is_in(list(users.ids)))
    return own.histories_of(theirs, users)


def rank(
    release: LoadedRelease, window: Window, histories: Histories, k: int, *, exclude_seen: bool
) -> Int32Array:
    """What the release would have shown at `start`.

    Returns:
        (n_users, k) int32 rows of the dataset's items, best first; -1 where there are fewer,
        and for an item that the dataset does not know, which nobody can have touched.
    """
    top = release.model.top_k(histories, k, exclude_seen=exclude_seen).items
    rows = window.dataset.item_vocabulary.rows(release.model.vocabulary.ids)
    return np.where(top >= 0, rows[top], -1).astype(np.int32)

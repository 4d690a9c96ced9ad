"""STAN as published, over stored sessions: what SessionKNN is compared with, and never ships.

For each question the k most similar training sessions are found; each gives its items what
they are worth by their distance from the newest match. Garg et al. 2019, SIGIR, section 3,
without the age of sessions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np

from palate.types import Int32Array, Int64Array

__all__ = ["STAN", "best_after"]


@dataclass(frozen=True)
class STAN:
    """Its settings.

    Attributes:
        k: Sessions that count.
        lambda1: Places after which an event of the question fades to 1/e.
        lambda3: Places from the match after which an item fades to 1/e.
        b: What counts that came before the match.
        beta: Exponent of popularity that scores are divided by.
    """

    k: int
    lambda1: float
    lambda3: float
    b: float
    beta: float


def best_after(
    sessions: Sequence[Sequence[int]],
    prefixes: Sequence[Sequence[int]],
    stan: STAN,
    *,
    places: int,
    exclude_seen: bool,
) -> Int32Array:
    """(n, places) item ids after each prefix, best first; -1 where there are fewer."""
    starts, items = _flat(sessions)
    n_items = 1 + max(int(items.max()), max(max(p) for p in prefixes))
    owners = np.repeat(np.arange(len(sessions)), np.diff(starts))
    pairs = np.unique(items.astype(np.int64) * len(sessions) + owners)
    counts = np.bincount(pairs // len(sessions), minlength=n_items)
    index = (np.concatenate(([0], np.cumsum(counts))), pairs % len(sessions))
    penalty = np.maximum(counts, 1).astype(np.float64) ** -stan.beta
    out = np.full((len(prefixes), places), -1, np.int32)
    fade = (stan.lambda1, stan.lambda3, stan.b)
    _answer((starts, items), index, _flat(prefixes), (stan.k, exclude_seen), fade, penalty, out)
    return out


def _flat(lists: Sequence[Sequence[int]]) -> tuple[Int64Array, Int32Array]:
    starts = np.concatenate(([0], np.cumsum([len(each) for each in lists]))).astype(np.int64)
    return starts, np.array([item for each in lists for item in each], np.int32)


@numba.njit(cache=True, nogil=True)
def _answer(sessions, index, questions, how, fade, penalty, out):
    starts, items = sessions
    index_starts, index_sessions = index
    question_starts, question_items = questions
    k, exclude_seen = how
    n_sessions = starts.shape[0] - 1
    alike, newest = np.zeros(n_sessions), np.zeros(n_sessions, np.int64)
    scores = np.zeros(penalty.shape[0])
    for u in range(out.shape[0]):
        asked = question_items[question_starts[u] : question_starts[u + 1]]
        found = _neighbours(asked, index_starts, index_sessions, fade[0], alike, newest)
        near = np.empty(len(found))
        for at, s in enumerate(found):
            near[at] = alike[s] / np.sqrt(starts[s + 1] - starts[s])
            alike[s] = 0.0
        chosen = np.argsort(-near)[:k]
        touched = [np.int64(0) for _ in range(0)]
        for at in chosen:
            s = found[at]
            match = starts[s]
            for q in range(starts[s], starts[s + 1]):
                if items[q] == newest[s]:
                    match = q
            for q in range(starts[s], starts[s + 1]):
                if q != match:
                    worth = np.exp(-(abs(q - match) - 1) / fade[1]) * (fade[2] if q < match else 1)
                    item = items[q]
                    if scores[item] == 0.0:
                        touched.append(np.int64(item))
                    scores[item] += near[at] * worth * penalty[item]
        if exclude_seen:
            for item in asked:
                scores[item] = 0.0
        candidates = np.array(touched, np.int64)
        order = candidates[np.argsort(-scores[candidates])]
        place = 0
        for item in order[: out.shape[1]]:
            if scores[item] > 0:
                out[u, place] = item
                place += 1
        scores[candidates] = 0.0


@numba.njit(cache=True, nogil=True)
def _neighbours(asked, index_starts, index_sessions, lambda1, alike, newest):
    """The sessions that share an item with `asked`; sets how alike, and the newest match."""
    found = [np.int64(0) for _ in range(0)]
    for back in range(len(asked)):
        item = asked[len(asked) - 1 - back]
        for at in range(index_starts[item], index_starts[item + 1]):
            s = index_sessions[at]
            if alike[s] == 0.0:
                found.append(s)
                newest[s] = item
            alike[s] += np.exp(-back / lambda1)
    return np.array(found, np.int64)

"""From scores to answers: chunks, threads, masks, and frames with ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import polars as pl

from palate import columns as c
from palate.data.histories import Histories
from palate.data.vocabulary import Vocabulary
from palate.errors import DataError
from palate.models.kernels.topk import top_k_rows
from palate.models.threads import in_parts
from palate.types import BoolArray, Float32Array, Float64Array, FloatArray, Int32Array

__all__ = [
    "CHUNK_CELLS",
    "THREADED_FROM",
    "Best",
    "Choice",
    "allowed_mask",
    "chunk",
    "fill_best",
    "in_chunks",
    "one_each",
    "shares",
    "to_frame",
    "writable",
]

CHUNK_CELLS = 1 << 22  # score cells held at once by a thread: 32 MB of float64
THREADED_FROM = 1 << 19  # cells from which a second thread is worth its start

Best: TypeAlias = tuple[Int32Array, Float32Array]
"""Where answers go: (n, k) item rows filled with -1, and their (n, k) scores filled with NaN."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which items may be answered.

    Attributes:
        allowed: (n_items,) bool.
        exclude_seen: Leave out the items of each history.
    """

    allowed: BoolArray
    exclude_seen: bool


def chunk(n_items: int) -> int:
    """Users whose scores are held at once."""
    return max(1, CHUNK_CELLS // max(1, n_items))


def in_chunks(
    fill: Callable[[Histories, Best], None],
    histories: Histories,
    out: Best,
    *,
    step: int,
    threads: int,
) -> None:
    """Call `fill` for parts of at most `step` histories and of `out`, in several threads."""
    n = histories.n_users
    if n * histories.n_items < THREADED_FROM:
        threads = 1
    if n <= step and threads == 1:
        fill(histories, out)
        return
    items, scores = out

    def part(start: int, stop: int) -> None:
        fill(histories.slice(start, stop), (items[start:stop], scores[start:stop]))

    in_parts(part, n, max(1, min(step, -(-n // threads))), threads=threads)


def fill_best(scores: FloatArray, histories: Histories, choice: Choice, out: Best) -> None:
    """The best of each row of `scores` (n, n_items), which are overwritten."""
    top_k_rows(scores, histories.indptr, histories.items, choice.exclude_seen, choice.allowed, *out)


def allowed_mask(candidates: Int32Array | None, n_items: int) -> BoolArray:
    """(n_items,) bool; negative candidates are unknown items and allow nothing.

    Raises:
        DataError: A candidate is beyond the catalogue.
    """
    mask = np.full(n_items, candidates is None, np.bool_)
    if candidates is not None:
        known = candidates[candidates >= 0]
        if len(known) and known.max() >= n_items:
            raise DataError(f"candidate row {known.max()}; the model knows {n_items} items")
        mask[known] = True
    return mask


def one_each(items: Int32Array, n_items: int) -> Histories:
    """For each of `items` a history of it alone."""
    n = len(items)
    return Histories(
        np.arange(n + 1),
        np.array(items, np.int32),
        np.ones(n, np.float32),
        np.full(n, -1, np.int64),
        n_items,
    )


def shares(history: Histories, added: FloatArray) -> Float64Array:
    """(n_items,) float64, each item's part of what speaks for a recommendation.

    Args:
        history: One user's.
        added: (len(history),) what each entry adds to the score; what speaks against it is
            left out.
    """
    share = np.zeros(history.n_items)
    positive = np.maximum(added, 0.0)
    total = positive.sum()
    if total > 0:
        np.add.at(share, history.items, positive / total)
    return share


def writable(histories: Histories) -> Histories:
    """The same, in arrays that compiled loops take without being compiled once more."""
    arrays = (histories.indptr, histories.items, histories.values, histories.timestamps)
    if all(a.flags.writeable and a.flags.c_contiguous for a in arrays):
        return histories
    return Histories(
        np.array(histories.indptr, np.int64),
        np.array(histories.items, np.int32),
        np.array(histories.values, np.float32),
        np.array(histories.timestamps, np.int64),
        histories.n_items,
    )


def to_frame(
    keys: Sequence[str],
    top: Best,
    vocabulary: Vocabulary,
    *,
    key: str,
    answer: str,
) -> pl.DataFrame:
    """Rows of items (n, k) and scores (n, k) with ids: `key`, `answer`, rank, score."""
    items, scores = top
    row, column = np.nonzero(items >= 0)
    found = items[row, column]
    if len(found) < len(vocabulary):
        ids = pl.Series([vocabulary.id(r) for r in found.tolist()], dtype=pl.String)
    else:
        ids = pl.Series(vocabulary.ids, dtype=pl.String).gather(found)
    return pl.DataFrame(
        {
            key: pl.Series(keys, dtype=pl.String).gather(row),
            answer: ids,
            c.RANK: (column + 1).astype(np.int32),
            c.SCORE: scores[row, column],
        }
    )

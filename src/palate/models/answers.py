"""From scores to answers: chunks, threads, masks, and frames with ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from palate import columns as c
from palate.data.histories import Histories
from palate.data.vocabulary import Vocabulary
from palate.errors import DataError
from palate.models.kernels.topk import popularity_where_flat, top_k_rows
from palate.models.threads import in_parts
from palate.types import BoolArray, Float32Array, FloatArray, Int32Array

__all__ = ["CHUNK_CELLS", "allowed_mask", "best_rows", "chunk", "to_frame", "writable"]

CHUNK_CELLS = 1 << 22  # score cells held at once by a thread: 32 MB of float64
THREADED_FROM = 1 << 19  # cells from which a second thread is worth its start


def chunk(n: int, n_items: int, threads: int) -> int:
    """Users to score at once: within `CHUNK_CELLS`, and some for each thread."""
    step = max(1, CHUNK_CELLS // max(1, n_items))
    return step if threads < 2 else max(1, min(step, -(-n // threads)))


def best_rows(
    score: Callable[[Histories], FloatArray],
    histories: Histories,
    mask: BoolArray,
    out: tuple[Int32Array, Float32Array],
    *,
    exclude_seen: bool,
    popularity: Float32Array | None,
    threads: int,
) -> None:
    """Fill `out` with the best items of each history.

    Args:
        score: Gives (n, n_items) scores that may be changed.
        histories: n rows.
        mask: (n_items,) items to choose from.
        out: (n, k) int32 items filled with -1, (n, k) float32 scores filled with NaN.
        exclude_seen: Leave out each history's own items.
        popularity: (n_items,) for histories that the scores say nothing of; None for no such
            replacement.
        threads: How many may call `score` at once.
    """
    items, scores = out

    def part(start: int, stop: int) -> None:
        whole = start == 0 and stop == histories.n_users
        some = histories if whole else histories.slice(start, stop)
        found = score(some)
        if popularity is not None:
            popularity_where_flat(found, some.indptr, popularity)
        top_k_rows(
            found,
            some.indptr,
            some.items,
            exclude_seen,
            mask,
            items[start:stop],
            scores[start:stop],
        )

    if histories.n_users * len(mask) < THREADED_FROM:
        threads = 1
    step = chunk(histories.n_users, len(mask), threads)
    in_parts(part, histories.n_users, step, threads=threads)


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
    top: tuple[Int32Array, Float32Array],
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

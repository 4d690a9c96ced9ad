"""Answers of many users at once equal those of each alone, popular fallbacks included."""

from __future__ import annotations

import numpy as np
import pytest

from palate.data import Histories
from palate.models import answers
from palate.models.answers import in_chunks
from palate.models.build import build
from palate.testing.rows import dataset, random_histories
from palate.types import Float32Array, Int32Array

N_ITEMS = 90


@pytest.mark.parametrize("name", ["sar", "ease", "itemknn"])
@pytest.mark.parametrize("exclude_seen", [True, False])
def test_a_large_batch_is_answered_as_each_user_alone(
    name: str, exclude_seen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "THREADED_FROM", 1)
    rng = np.random.default_rng(8)
    known = random_histories(rng, 60, N_ITEMS - 1, 700)
    rows = [
        (f"u{u:02d}", f"i{i:02d}", abs(float(v)), 0.0)
        for u, i, v in zip(known.users(), known.items, known.values, strict=True)
    ]
    model = build(name).fit(dataset([*rows, ("alone", "i89", 1.0, 0.0)]))
    n = len(model.vocabulary)
    asked = random_histories(rng, 200, n, 900).select(np.resize(np.arange(-1, 200), 220))
    candidates = np.arange(5, n, dtype=np.int32)
    batch = model.top_k(asked, 7, exclude_seen=exclude_seen, candidates=candidates)
    for u in range(asked.n_users):
        one = asked.slice(u, u + 1)
        alone = model.top_k(one, 7, exclude_seen=exclude_seen, candidates=candidates)
        np.testing.assert_array_equal(batch.items[u], alone.items[0])
        np.testing.assert_array_equal(batch.scores[u], alone.scores[0])


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("step", [1, 3, 100])
def test_every_history_is_filled_once(
    step: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "THREADED_FROM", 1)
    histories = random_histories(np.random.default_rng(0), 10, 4, 30)
    out = np.zeros((10, 1), np.int32), np.zeros((10, 1), np.float32)
    longest: list[int] = []

    def fill(some: Histories, best: tuple[Int32Array, Float32Array]) -> None:
        longest.append(some.n_users)
        best[0][:, 0] += np.diff(some.indptr).astype(np.int32) + 1

    in_chunks(fill, histories, out, step=step, threads=threads)
    np.testing.assert_array_equal(out[0][:, 0], np.diff(histories.indptr) + 1)
    assert max(longest) <= step

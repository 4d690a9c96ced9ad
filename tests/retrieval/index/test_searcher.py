from __future__ import annotations

import numpy as np
import pytest

from palate.retrieval.index.searcher import best_first


@pytest.mark.parametrize("n", [1, 128, 129, 3000])
def test_every_list_comes_once_the_most_promising_first(n: int) -> None:
    worth = np.random.default_rng(n).permutation(n).astype(np.float32)
    batches = list(best_first(worth))
    assert np.concatenate(batches).tolist() == np.argsort(-worth).tolist()
    assert len(batches[0]) == min(n, 128), "most searches need no more"


def test_lists_of_one_score_come_once_too() -> None:
    equal = np.ones(1000, np.float32)
    assert sorted(np.concatenate(list(best_first(equal))).tolist()) == list(range(1000))


def test_without_lists_nothing_comes() -> None:
    assert [some.tolist() for some in best_first(np.empty(0, np.float32))] == [[]]

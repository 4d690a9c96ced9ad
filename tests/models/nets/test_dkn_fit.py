"""What DKN's training holds out, and the batches that it makes."""

from __future__ import annotations

import numpy as np
import pytest

from palate.models.dkn import DKNConfig
from palate.models.impressions import Impressions
from palate.models.mentions import Mentions
from palate.models.nets.dkn_fit import _Drawing, _held_out

CONFIG = DKNConfig(validation=0.3)


def cases(times: list[int]) -> Impressions:
    """Case i clicked item i + 10 after items i and i + 1, beside which item 30 was left alone."""
    n = len(times)
    clicked = np.arange(10, 10 + n, dtype=np.int32)
    before = np.stack((np.full(n, -1), np.arange(n), np.arange(1, n + 1)), axis=1)
    left = np.array([30], np.int32)
    return Impressions(
        clicked,
        before.astype(np.int32),
        left,
        np.zeros(n, np.int64),
        np.ones(n, np.int64),
        np.array(times, np.int64),
    )


def test_the_latest_are_held_out() -> None:
    assert _held_out(cases([5, 9, 1, 7, 3, 8, 2, 4, 6, 0]), CONFIG).tolist() == [1, 3, 5]


def test_without_times_they_are_drawn() -> None:
    held = _held_out(cases([-1] * 10), CONFIG)
    assert len(set(held.tolist())) == 3
    other = _held_out(cases([-1] * 10), CONFIG.model_copy(update={"seed": 1}))
    assert held.tolist() != other.tolist()


@pytest.mark.parametrize("change", [{"patience": 0}, {"validation": 0.0}])
def test_nothing_is_held_out(change: dict[str, float]) -> None:
    assert not len(_held_out(cases([1, 2, 3]), CONFIG.model_copy(update=change)))


def test_a_batch_has_each_news_once() -> None:
    rows = np.arange(40, dtype=np.int32)[:, None]
    drawing = _Drawing(cases([1, 2, 3]), Mentions(rows, rows + 100), 2)
    candidates, history, words, entities = drawing(np.array([1, 2]), np.random.default_rng(0))
    items = words[:, 0].tolist()
    assert items == sorted(set(items))
    assert entities[:, 0].tolist() == [item + 100 for item in items]
    assert words[candidates, 0].tolist() == [[11, 30, 30], [12, 30, 30]]
    assert words[history, 0].tolist() == [[1, 2], [2, 3]]  # the column of none is cut off

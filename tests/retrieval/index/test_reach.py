from __future__ import annotations

import numpy as np
import pytest

from palate.retrieval.index.reach import EVERYWHERE, Needed, Reach


def needed(scores: list[float], centres: list[float], deviations: list[float]) -> Needed:
    return Needed(*(np.array(one, np.float32) for one in (scores, centres, deviations)))


def test_a_list_must_promise_as_much_as_the_last_that_is_wanted() -> None:
    # Items of scores 9, 8 and 4, in lists whose centroids score 7, 2 and 4, rows spread by 1, 3, 2.
    one = needed([9, 8, 4], [7, 2, 4], [1, 3, 2])
    assert one.of_first(1).tolist() == [2.0]  # 7 + 2 * 1 = 9
    assert one.of_first(2).tolist() == [1.0, 2.0]  # 7 + 1 * 1 = 8 = 2 + 2 * 3
    assert one.of_first(3).tolist() == [-3.0, pytest.approx(2 / 3), 0.0]


def test_as_little_as_finds_the_wanted_share() -> None:
    # Nine of ten stand in a list whose centroid scores as much as the tenth; that needs 2.5.
    some = [needed([5.0] * 10, [5.0] * 9 + [0.0], [2.0] * 10)] * 4
    assert Reach.measured(some, 0.9).at(10) == 0.0
    assert Reach.measured(some, 0.95).at(10) == 2.5


def test_between_depths_and_beyond() -> None:
    reach = Reach((10, 1000), (1.0, 3.0))
    assert [reach.at(depth) for depth in (1, 10, 100, 1000, 1e9)] == [1, 1, pytest.approx(2), 3, 3]
    assert reach.at_least(2.0).deviations == (2.0, 3.0)
    assert Reach.always(EVERYWHERE).at(7) == EVERYWHERE


def test_lists_of_one_row_need_nothing_or_all() -> None:
    one = needed([5, 4, 3], [5, 4, 2], [0, 0, 0])
    assert one.of_first(3).tolist() == [0.0, 0.0, 8.0]

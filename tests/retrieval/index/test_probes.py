from __future__ import annotations

import numpy as np
import pytest

from palate.retrieval.index.probes import Probes


def test_as_few_lists_as_hold_the_wanted_share() -> None:
    # The nearest ten of each query: nine stand in the best list, one in the third.
    ranks = [np.array([0] * 9 + [2], np.int32)] * 4
    assert Probes.measured(ranks, 0.9).at(10) == 1
    assert Probes.measured(ranks, 0.95).at(10) == 3


def test_further_down_it_takes_more() -> None:
    ranks = [np.repeat(np.arange(50, dtype=np.int32), 10)]
    probes = Probes.measured(ranks, 1.0)
    assert probes.depths == (10, 100, 500)
    assert probes.lists == (1, 10, 50)
    assert probes.at(1) == 1
    assert probes.at(100) == 10
    assert 10 < probes.at(200) <= 23
    assert probes.at(1000) == pytest.approx(100)


def test_one_depth_and_always() -> None:
    assert Probes.measured([np.zeros(3, np.int32)], 0.98).at(1e6) == 1
    assert [Probes.always(7).at(k) for k in (1, 1e9)] == [7, 7]

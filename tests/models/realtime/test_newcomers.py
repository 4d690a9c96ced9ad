from __future__ import annotations

import numpy as np

from palate.models.realtime.newcomers import newcomers

KNOWN = np.array([True, False, True, True, True, False])


def test_one_event_each_of_items_that_somebody_took() -> None:
    found = newcomers(KNOWN, 7)
    assert np.diff(found.indptr).tolist() == [1, 1, 1, 1]
    assert found.items.tolist() == [0, 2, 3, 4]
    assert found.timestamps.tolist() == [7] * 4
    assert (found.values > 0).all()
    assert found.n_items == 6


def test_so_many_at_most_spread_over_all_items() -> None:
    assert newcomers(np.ones(100, np.bool_), 7, 4).items.tolist() == [0, 25, 50, 75]


def test_nothing_is_known() -> None:
    assert newcomers(np.zeros(3, np.bool_), 7).n_users == 0

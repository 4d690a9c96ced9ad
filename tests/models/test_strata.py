"""A sweep meets every pair of strata once, and never two of a row or column at a time."""

from __future__ import annotations

import threading

from palate.models.strata import STRATA, sweep


def test_every_pair_once_and_none_shared_in_a_round() -> None:
    met: list[tuple[int, int]] = []
    busy: set[tuple[str, int]] = set()
    lock = threading.Lock()
    clashes: list[tuple[str, int]] = []

    def block(user_stratum: int, item_stratum: int) -> None:
        mine = {("user", user_stratum), ("item", item_stratum)}
        with lock:
            clashes.extend(busy & mine)
            busy.update(mine)
        with lock:
            met.append((user_stratum, item_stratum))
            busy.difference_update(mine)

    sweep(block)
    assert sorted(met) == [(u, i) for u in range(STRATA) for i in range(STRATA)]
    assert not clashes
    for turn in range(STRATA):
        one_round = met[turn * STRATA : (turn + 1) * STRATA]
        assert len({u for u, _ in one_round}) == len({i for _, i in one_round}) == STRATA

"""What SASRec's training holds out, and how it is judged, by brute force."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from palate.models.nets.sasrec import SASRecNet
from palate.models.nets.sasrec_fit import _held_out, _validation, _without_last
from palate.models.sasrec import SASRecConfig
from palate.models.sequences import Sequences

CONFIG = SASRecConfig(d=8, n=4, b=1, validation=0.5)
N_ITEMS = 30


def sequences(lists: list[list[int]]) -> Sequences:
    indptr = np.cumsum([0, *map(len, lists)]).astype(np.int64)
    items = np.array([item for one in lists for item in one], np.int32)
    return Sequences(indptr, items, np.full(len(lists), -1, np.int64), N_ITEMS)


def test_half_of_the_long_ones_are_held_out_without_their_last() -> None:
    whole = sequences([[1, 2], [3, 4, 5], [6, 7, 8, 9], [1], [], [2, 4, 6], [8, 9, 1]])
    held = _held_out(whole, CONFIG)
    assert len(held) == 2
    assert set(held.tolist()) <= {1, 2, 5, 6}
    rest, targets = _without_last(whole, held)
    for one in range(7):
        before = whole.items[whole.indptr[one] : whole.indptr[one + 1]].tolist()
        after = rest.items[rest.indptr[one] : rest.indptr[one + 1]].tolist()
        at = np.flatnonzero(held == one)
        assert before == ([*after, targets[at[0]]] if len(at) else after)


def test_no_patience_holds_nothing_out() -> None:
    config = CONFIG.model_copy(update={"patience": 0})
    assert not len(_held_out(sequences([[1, 2, 3]] * 10), config))


@pytest.mark.parametrize("comes_back", [False, True])
def test_validation_by_brute_force(comes_back: bool) -> None:
    rng = np.random.default_rng(1)
    lists = [rng.permutation(N_ITEMS - 1)[: rng.integers(2, 9)].tolist() for _ in range(20)]
    targets = [N_ITEMS - 1 if at % 3 else int(rng.integers(10, 20)) for at in range(20)]
    lists = [[i for i in one if i != target] for one, target in zip(lists, targets, strict=True)]
    if comes_back:
        lists[7].append(targets[7])
    torch.manual_seed(0)
    net = SASRecNet(N_ITEMS, CONFIG).eval()
    for weights in net.parameters():
        torch.nn.init.normal_(weights, std=0.5)
    held = np.arange(20, dtype=np.int64)
    validate = _validation(net, sequences(lists), held, np.array(targets, np.int32), CONFIG.n)
    total = 0.0
    with torch.no_grad():
        for one, target in zip(lists, targets, strict=True):
            newest = one[-CONFIG.n :]
            scores = (net(torch.tensor([newest]))[0, -1] @ net.outputs().T).numpy()
            if not comes_back:
                scores[newest] = -np.inf
            rank = int((scores > scores[target]).sum())
            total += 1 / np.log2(rank + 2) if rank < 10 else 0.0
        assert validate() == pytest.approx(total / 20, abs=1e-6)

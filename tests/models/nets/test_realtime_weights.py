"""Weights come back from their graphs as they were, and ids keep their vectors in a new table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from palate.errors import BundleError
from palate.models.nets.realtime import RealtimeNet, Sizes
from palate.models.nets.realtime_export import graphs_of
from palate.models.nets.realtime_weights import restore, take_ids
from palate.models.realtime import RealtimeConfig
from palate.models.realtime.ids import TrainedIds

SIZES = Sizes(features=9, numbers=3, ids=5, profile=4, context=5, outcomes=2)
CONFIG = RealtimeConfig(dimension=6, hidden=7, rank_hidden=(8, 3), recent=4, heads=2)
N_SLOTS = 3


def net_of(seed: int, sizes: Sizes = SIZES, config: RealtimeConfig = CONFIG) -> RealtimeNet:
    """Every weight is a number of its own."""
    net = RealtimeNet(sizes, config)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for one in net.state_dict().values():
            one.copy_(torch.randn(one.shape, generator=draw))
    return net


def test_every_weight_comes_back() -> None:
    written, empty = net_of(1), net_of(2)
    graphs = graphs_of(written, n_slots=N_SLOTS)
    restore(empty, graphs, n_slots=N_SLOTS)
    for name, one in written.state_dict().items():
        assert torch.equal(empty.state_dict()[name], one), name
    assert graphs_of(empty, n_slots=N_SLOTS) == graphs


@pytest.mark.parametrize(
    ("sizes", "config"),
    [
        (replace(SIZES, numbers=0), CONFIG),
        (replace(SIZES, profile=0), CONFIG),
        (replace(SIZES, context=0), CONFIG.model_copy(update={"context": False})),
        (SIZES, CONFIG.model_copy(update={"recent": 0})),
        (replace(SIZES, ids=1), CONFIG.model_copy(update={"ids": False})),
        (SIZES, CONFIG.model_copy(update={"interaction": False, "rank_context": False})),
    ],
    ids=["no numbers", "no profile", "no context", "no recent items", "no ids", "no interaction"],
)
def test_nets_that_read_less_come_back_too(sizes: Sizes, config: RealtimeConfig) -> None:
    graphs = graphs_of(net_of(1, sizes, config), n_slots=N_SLOTS)
    empty = net_of(2, sizes, config)
    restore(empty, graphs, n_slots=N_SLOTS)
    assert graphs_of(empty, n_slots=N_SLOTS) == graphs


def test_what_no_graph_reads_stays() -> None:
    config = CONFIG.model_copy(update={"ids": False})
    net = net_of(2, SIZES, config)
    kept = net.item.ids.weight.clone()
    restore(net, graphs_of(net_of(1, SIZES, config), n_slots=N_SLOTS), n_slots=N_SLOTS)
    assert torch.equal(net.item.ids.weight, kept)


@pytest.mark.parametrize(
    ("sizes", "config"),
    [
        (replace(SIZES, features=10), CONFIG),
        (replace(SIZES, outcomes=3), CONFIG),
        (SIZES, CONFIG.model_copy(update={"recent": 3})),
        (replace(SIZES, numbers=0), CONFIG),
    ],
    ids=["table", "outcomes", "recent items", "no numbers"],
)
def test_graphs_of_another_net_are_refused(sizes: Sizes, config: RealtimeConfig) -> None:
    graphs = graphs_of(net_of(1, sizes, config), n_slots=N_SLOTS)
    with pytest.raises(BundleError, match="written from other nets"):
        restore(net_of(2), graphs, n_slots=N_SLOTS)


def test_what_is_no_graph_is_refused() -> None:
    graphs = graphs_of(net_of(1), n_slots=N_SLOTS) | {"user.onnx": b"\xff\xff"}
    with pytest.raises(BundleError, match="cannot be read"):
        restore(net_of(2), graphs, n_slots=N_SLOTS)


def rows_of(net: RealtimeNet, ids: TrainedIds, names: list[str]) -> np.ndarray:
    found: np.ndarray = net.item.ids.weight.detach().numpy()[ids.rows(names)]
    return found


def test_ids_keep_their_vectors_and_new_ones_begin_at_zero() -> None:
    names, more = [f"car-{n}" for n in range(4)], [f"new-{n}" for n in range(3)]
    before = TrainedIds.of(names, buckets=100)
    after = before.with_more(more)
    net = net_of(1)
    was = rows_of(net, before, names)
    take_ids(net, before, after)
    np.testing.assert_array_equal(rows_of(net, after, names), was)
    np.testing.assert_array_equal(rows_of(net, after, more), np.zeros((3, 6)))
    np.testing.assert_array_equal(net.item.ids.weight.detach().numpy()[0], np.zeros(6))


def test_ids_that_shared_rows_share_them_still() -> None:
    names = [f"car-{n}" for n in range(50)]
    before = TrainedIds.of(names, buckets=4)
    after = before.with_more(["new"])
    net = net_of(1)
    was = rows_of(net, before, names)
    take_ids(net, before, after)
    np.testing.assert_array_equal(rows_of(net, after, names), was)


def test_ids_that_come_to_share_a_row_have_their_mean() -> None:
    names = [f"car-{n}" for n in range(4)]
    before = TrainedIds.of(names, buckets=4)  # a row each
    after = before.with_more(["new"])  # five ids: rows by hash
    net = net_of(1)
    was = rows_of(net, before, names)
    take_ids(net, before, after)
    shared = after.rows(names)
    for row in set(shared.tolist()):
        expected = was[shared == row].mean(axis=0)
        table = net.item.ids.weight.detach().numpy()
        np.testing.assert_allclose(table[row], expected, rtol=1e-6)

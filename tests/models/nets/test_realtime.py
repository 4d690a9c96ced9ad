"""The nets in torch: units, no history, ids never seen; ONNX gives what torch gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from palate.models.nets.realtime import RealtimeNet, Sizes
from palate.models.nets.realtime_export import graphs_of
from palate.models.realtime.config import RealtimeConfig
from palate.models.realtime.graph import Session

pytestmark = pytest.mark.usefixtures("one_thread")

SLOTS = 5
SIZES = Sizes(features=12, numbers=3, ids=7, profile=4, context=5, outcomes=3)
CONFIG = RealtimeConfig(dimension=8, hidden=16, rank_hidden=(12, 6), recent=6, heads=3)
BARE = Sizes(features=1, numbers=0, ids=7, profile=0, context=0, outcomes=1)


def net_of(sizes: Sizes, config: RealtimeConfig) -> RealtimeNet:
    torch.manual_seed(3)
    net = RealtimeNet(sizes, config)
    net.standardise(torch.randn(50, sizes.profile))
    return net.eval()


def items(n: int, sizes: Sizes) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(n)
    return {
        "slots": rng.integers(sizes.features, size=(n, SLOTS)).astype(np.int32),
        "weights": rng.random((n, SLOTS), np.float32),
        "numbers": rng.normal(size=(n, sizes.numbers)).astype(np.float32),
        "ids": rng.integers(sizes.ids, size=n).astype(np.int32),
    }


def embedded(net: RealtimeNet, given: dict[str, np.ndarray]) -> np.ndarray:
    tensors = {name: torch.from_numpy(one) for name, one in given.items()}
    tensors["slots"], tensors["ids"] = tensors["slots"].long(), tensors["ids"].long()
    with torch.no_grad():
        found: np.ndarray = net.item(**tensors).numpy()
    return found


@pytest.mark.parametrize(
    ("sizes", "config"),
    [
        (SIZES, CONFIG),
        (BARE, CONFIG),
        (SIZES, CONFIG.model_copy(update={"ids": False, "recent": 0})),
        (SIZES, CONFIG.model_copy(update={"interaction": False, "rank_context": False})),
    ],
    ids=["all", "bare", "no ids, no recent", "no interaction, no moment"],
)
@pytest.mark.parametrize("n", [1, 9])
def test_onnx_gives_what_torch_gives(sizes: Sizes, config: RealtimeConfig, n: int) -> None:
    net = net_of(sizes, config)
    graphs = {name: Session(one, name) for name, one in graphs_of(net, n_slots=SLOTS).items()}
    rng = np.random.default_rng(7)
    given = items(n, sizes)
    vectors = graphs["item.onnx"](**given)
    np.testing.assert_allclose(vectors, embedded(net, given), atol=1e-5)
    recent = np.zeros((n, config.recent, config.dimension), np.float32)
    recent[:, 2:] = rng.normal(size=recent[:, 2:].shape)
    recent[0] = 0  # somebody without any
    profile = rng.normal(size=(n, sizes.profile)).astype(np.float32) * 3
    context = rng.normal(size=(n, sizes.context)).astype(np.float32)
    users = graphs["user.onnx"](profile=profile, recent=recent, context=context)
    inputs = [torch.from_numpy(one) for one in (profile, recent, context)]
    with torch.no_grad():
        expected = net.user(*inputs).numpy()
    np.testing.assert_allclose(users, expected, atol=1e-5)
    found = graphs["rank.onnx"](user=users[:1], items=vectors, features=context)
    with torch.no_grad():
        repeated = torch.from_numpy(np.repeat(users[:1], n, axis=0))
        odds = net.rank(repeated, torch.from_numpy(vectors), torch.from_numpy(context))
    np.testing.assert_allclose(found, torch.sigmoid(odds).numpy(), atol=1e-5)


def test_the_same_weights_give_the_same_bytes() -> None:
    net = net_of(SIZES, CONFIG)
    assert graphs_of(net, n_slots=SLOTS) == graphs_of(net, n_slots=SLOTS)


def test_vectors_are_of_length_one() -> None:
    vectors = embedded(net_of(SIZES, CONFIG), items(20, SIZES))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_an_id_never_seen_adds_nothing() -> None:
    net = net_of(SIZES, CONFIG)
    given = items(4, SIZES)
    given["ids"][:] = 0
    with torch.no_grad():
        before = embedded(net, given)
        net.item.ids.weight[1:] += 5
    np.testing.assert_array_equal(embedded(net, given), before)


@pytest.mark.parametrize("spread", [0.0, 0.03, 0.1])
def test_ids_begin_as_far_apart_as_said_and_nothing_else_moves(spread: float) -> None:
    many = replace(SIZES, ids=5001)
    net = net_of(many, CONFIG.model_copy(update={"id_spread": spread}))
    usual = net_of(many, CONFIG)
    weights = net.item.ids.weight.detach()
    assert not weights[0].any()
    assert weights.std().item() == pytest.approx(spread, rel=0.02)
    torch.testing.assert_close(net.item.table.weight, usual.item.table.weight, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("items", "users", "changes"),
    [(0.0, 0.9, (False, True)), (0.9, 0.0, (True, False)), (0.9, None, (True, True))],
    ids=["users alone", "items alone", "users as items"],
)
def test_users_units_are_hidden_as_often_as_said(
    items: float, users: float | None, changes: tuple[bool, bool]
) -> None:
    wanted = {"dropout": items, "user_dropout": users, "ids": False}
    net = net_of(SIZES, CONFIG.model_copy(update=wanted)).train()
    slots, weights = torch.ones(20, SLOTS, dtype=torch.int64), torch.ones(20, SLOTS)
    given = (slots, weights, torch.ones(20, SIZES.numbers), torch.zeros(20, dtype=torch.int64))
    asked = (torch.ones(20, SIZES.profile), torch.zeros(20, 6, 8), torch.ones(20, SIZES.context))
    with torch.no_grad():
        vectors = (net.item(*given), net.user(*asked))
    found = tuple(not torch.allclose(one, one[:1].expand_as(one)) for one in vectors)
    assert found == changes


def test_training_leaves_the_row_of_zeros_alone() -> None:
    net = net_of(SIZES, CONFIG).train()
    given = items(30, SIZES)
    given["ids"][:10] = 0
    tensors = {name: torch.from_numpy(one) for name, one in given.items()}
    tensors["slots"], tensors["ids"] = tensors["slots"].long(), tensors["ids"].long()
    net.item(**tensors)[:, 0].sum().backward()
    gradient = net.item.ids.weight.grad
    assert gradient is not None
    assert not gradient.to_dense()[0].any()


def test_where_a_recent_item_stands_matters_and_padding_does_not() -> None:
    net = net_of(SIZES, CONFIG)
    profile, context = torch.zeros(1, 4), torch.zeros(1, 5)
    recent = torch.zeros(1, 6, 8)
    recent[0, 4:] = torch.nn.functional.normalize(torch.randn(2, 8), dim=1)
    with torch.no_grad():
        one = net.user(profile, recent, context)
        turned = net.user(profile, recent[:, [0, 1, 2, 3, 5, 4]], context)
        weights = net.user.pooled(recent)
    assert not torch.allclose(one, turned)
    assert weights.isfinite().all()
    with torch.no_grad():
        assert not net.user.pooled(torch.zeros(1, 6, 8)).any()


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ({"interaction": False}, [True, False, False, True]),
        ({"rank_context": False}, [True, True, True, False]),
        ({}, [True, True, True, True]),
    ],
    ids=["no interaction", "no moment", "all"],
)
def test_what_rank_net_does_not_read_never_weighs(
    change: dict[str, bool], read: list[bool]
) -> None:
    net = net_of(SIZES, CONFIG.model_copy(update=change)).train()
    optimizer = torch.optim.Adam(net.rank.parameters(), lr=0.1)
    for _ in range(3):
        users, vectors = torch.randn(2, 9, 8).unbind()
        net.rank(users, vectors, torch.randn(9, SIZES.context)).square().sum().backward()
        optimizer.step()
    parts = torch.split(net.rank.pair.weight, [8, 8, 8, SIZES.context], dim=1)
    assert [bool(part.any()) for part in parts] == read


@pytest.mark.parametrize("trust", [0.0, 1.0])
def test_without_trust_every_outcome_rises_with_closeness(trust: float) -> None:
    net = net_of(SIZES, CONFIG)
    with torch.no_grad():
        net.rank.out.weight.normal_()
        net.rank.slope.copy_(torch.tensor([-2.0, 0.5, 3.0]))
        net.rank.level.copy_(torch.tensor([-1.0, 0.0, 1.0]))
        net.rank.trust.fill_(trust)
    graphs = {name: Session(one, name) for name, one in graphs_of(net, n_slots=SLOTS).items()}
    rng = np.random.default_rng(5)
    pairs = rng.normal(size=(41, CONFIG.dimension)).astype(np.float32)
    pairs /= np.linalg.norm(pairs, axis=1, keepdims=True)
    user, items = pairs[:1], pairs[1:]
    features = rng.normal(size=(40, SIZES.context)).astype(np.float32)
    found = graphs["rank.onnx"](user=user, items=items, features=features)
    ordered = found[np.argsort(items @ user[0])]
    assert (np.diff(ordered, axis=0) >= 0).all() == (trust == 0)

"""The joint loss: what is drawn is corrected for, what is known is no negative, all parts learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from palate.models.nets.realtime import RealtimeNet, Sizes
from palate.models.nets.realtime_batches import Step
from palate.models.nets.realtime_loss import ItemTensors, JointLoss, embed_all
from palate.models.realtime.config import RealtimeConfig
from palate.models.realtime.items import ItemRows

pytestmark = pytest.mark.usefixtures("one_thread")

N_ITEMS = 12
SIZES = Sizes(features=1, numbers=0, ids=N_ITEMS + 1, profile=2, context=5, outcomes=2)
CONFIG = RealtimeConfig(
    dimension=8, hidden=8, rank_hidden=(16, 12), recent=3, heads=2, hard_rows=4, dropout=0.0,
    id_dropout=0.0, catalogue=5, hard=1, precision="float32",
)  # fmt: skip
ROWS = ItemRows(
    np.zeros((N_ITEMS, 1), np.int32),
    np.ones((N_ITEMS, 1), np.float32),
    np.zeros((N_ITEMS, 0), np.float32),
    np.arange(1, N_ITEMS + 1, dtype=np.int32),
)


def step(n: int = 6) -> Step:
    rng = np.random.default_rng(0)
    return Step(
        item=torch.arange(n) % N_ITEMS,
        recent=torch.from_numpy(rng.integers(-1, N_ITEMS, size=(n, 3))),
        shown=torch.from_numpy(rng.integers(-1, N_ITEMS, size=(n, 2))),
        profile=torch.randn(n, 2),
        context=torch.zeros(n, 5),
        outcomes=torch.ones(n, 2),
        drawn=torch.from_numpy(rng.integers(N_ITEMS, size=5)),
    )


def prepared(config: RealtimeConfig = CONFIG) -> tuple[RealtimeNet, JointLoss]:
    torch.manual_seed(0)
    net = RealtimeNet(SIZES, config)
    loss = JointLoss(ItemTensors(ROWS), np.ones(N_ITEMS), config)
    loss.refresh(net)
    return net.train(), loss


@pytest.mark.parametrize("recent_gradient", [True, False])
def test_all_three_nets_learn(recent_gradient: bool) -> None:
    net, loss = prepared(CONFIG.model_copy(update={"recent_gradient": recent_gradient}))
    value = loss(net, step())
    value.backward()  # type: ignore[no-untyped-call]  # torch's own
    assert math.isfinite(value.item())
    for name, weight in net.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.to_dense().abs().sum() > 0, name


@pytest.mark.parametrize(
    "change",
    [{"cosine": 0.0}, {"rank": 0.0}, {"hard": 0}, {"log_q": False}, {"in_batch": False},
     {"catalogue": 0}, {"shown": 0}, {"recent": 0}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_each_part_can_be_turned_off(change: dict[str, float]) -> None:
    config = CONFIG.model_copy(update=change)
    net, loss = prepared(config)
    given = step()
    given = given._replace(
        recent=given.recent[:, : config.recent],
        shown=given.shown[:, : config.shown],
        drawn=given.drawn[: config.catalogue],
    )
    assert math.isfinite(loss(net, given).item())


def test_log_q_is_the_expected_count() -> None:
    _, loss = prepared()
    expected = 6 / N_ITEMS + 5 / N_ITEMS  # six rows and five draws over equal items
    items = torch.tensor([[0, 3], [5, 11]])
    np.testing.assert_allclose(torch.exp(loss._taken_off(items, step(6))), expected, rtol=1e-5)


def test_popularity_is_taken_off_in_training_and_so_held_by_scores() -> None:
    # Each of two rows took an item of its own, and no score tells them apart: what the softmax
    # is left with is the bias, so the loss is known.
    config = CONFIG.model_copy(
        update={"popularity": 2.0, "log_q": False, "catalogue": 0, "hard": 0, "rank": 0.0}
    )
    counts = np.zeros(N_ITEMS)
    counts[:2] = 8, 2
    loss = JointLoss(ItemTensors(ROWS), counts, config)
    given = step(2)._replace(drawn=torch.empty(0, dtype=torch.int64))
    users, none = torch.zeros(2, 8), torch.zeros(2, 2, 8)
    given = given._replace(shown=torch.full((2, 2), -1))
    found = loss._softmax(given, users, torch.zeros(2, 8), torch.zeros(0, 8), none)
    weights = np.array([(8 + 1) ** -2.0, (2 + 1) ** -2.0])
    expected = -np.log(weights / weights.sum()).mean()
    assert found.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("w", "shares"), [(1.0, (0.1, 0.4)), (0.5, (0.1**0.5, 0.4**0.5))])
def test_exposure_is_what_scores_need_not_hold(w: float, shares: tuple[float, float]) -> None:
    # As above; item 0 was about a tenth of the time, item 1 four tenths: that is all the bias.
    config = CONFIG.model_copy(
        update={"exposure": w, "log_q": False, "catalogue": 0, "hard": 0, "rank": 0.0}
    )
    about = np.zeros(N_ITEMS, np.float32)
    about[:2] = np.log((0.1, 0.4))
    loss = JointLoss(ItemTensors(ROWS), np.ones(N_ITEMS), config, exposure=about)
    given = step(2)._replace(drawn=torch.empty(0, dtype=torch.int64))
    given = given._replace(shown=torch.full((2, 2), -1))
    users, none = torch.zeros(2, 8), torch.zeros(2, 2, 8)
    found = loss._softmax(given, users, torch.zeros(2, 8), torch.zeros(0, 8), none)
    expected = -np.log(np.array(shares) / sum(shares)).mean()
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_ranknet_sees_drawn_items_that_are_new_to_the_user() -> None:
    given = step()
    vectors = torch.arange(5.0)[:, None]  # each drawn item's place
    row, drawn = JointLoss._drawn(given, 4, torch.zeros(6, 1), vectors)
    assert len(row) > 0
    for at, place in zip(row.tolist(), drawn[:, 0].long().tolist(), strict=True):
        item = int(given.drawn[place])
        assert item not in {int(given.item[at]), *given.recent[at].tolist()}


def test_without_draws_ranknet_sees_other_rows_items() -> None:
    given = step()._replace(drawn=torch.empty(0, dtype=torch.int64))
    row, other = JointLoss._drawn(given, 4, given.item[:, None].float(), torch.empty(0, 1))
    assert row.tolist() == [0, 1, 2, 3]
    assert other[:, 0].tolist() == [3, 0, 1, 2]


def test_hard_negatives_are_near_and_neither_the_item_nor_recent() -> None:
    config = CONFIG.model_copy(update={"hard": 3, "hard_pool": N_ITEMS})
    _net, loss = prepared(config)
    users = torch.nn.functional.normalize(torch.randn(6, 8), dim=1)
    given = step()
    found = loss._hard(users, given)
    assert found.shape == (4, 3)
    for row in range(4):
        known = {int(given.item[row]), *given.recent[row].tolist()}
        scores = (users[row] @ loss.index[:-1].T).tolist()
        left = sorted((s for i, s in enumerate(scores) if i not in known), reverse=True)
        for item in found[row].tolist():
            skipped = scores[item] in left[: min(5, len(left))] and len(left) > 5 + len(known)
            assert not skipped


def test_the_index_is_what_is_served_with_a_row_of_zeros() -> None:
    net, loss = prepared()
    found = embed_all(net, loss.items)
    assert net.training
    assert found.shape == (N_ITEMS + 1, 8)
    assert not found[-1].any()


def test_the_index_is_made_anew_after_two_examples_an_item() -> None:
    net, loss = prepared()
    first, kept = loss.index, loss.index.clone()
    for _ in range(4):  # of six rows each
        loss(net, step())
        assert torch.equal(loss.index, kept)
    with torch.no_grad():
        net.item.ids.weight[1:] += 1.0
    loss(net, step())
    torch.testing.assert_close(loss.index, embed_all(net, loss.items))
    assert loss.index is first  # written over: fresh tables would leave holes in memory
    assert not torch.equal(loss.index, kept)


def test_a_larger_catalogue_is_searched_in_part() -> None:
    net, loss = prepared(CONFIG.model_copy(update={"hard_pool": 7}))
    assert len(loss.pool) == 7
    first = loss.pool.clone()
    loss.refresh(net)
    assert not torch.equal(first, loss.pool)
    assert set(loss._hard(torch.randn(6, 8), step()).flatten().tolist()) <= set(loss.pool.tolist())


def test_an_item_that_changed_is_itself_and_embedded_as_it_was() -> None:
    """Behind the items stand one that is what item 3 is, and one that item 4 was."""
    net, plain = prepared()
    more = ItemRows(ROWS.slots[:2], ROWS.weights[:2], ROWS.numbers[:2], ROWS.ids[[3, 0]])
    both = ItemTensors(ROWS.then(more), np.array([3, 4], np.int32))
    changing = JointLoss(both, np.ones(N_ITEMS), CONFIG)
    changing.refresh(net)
    assert len(both) == N_ITEMS
    torch.testing.assert_close(changing.index, plain.index)
    taken = step()
    same, other = taken.item.clone(), taken.item.clone()
    same[3], other[4] = N_ITEMS, N_ITEMS + 1

    def value(loss: JointLoss, items: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(1)
        found: torch.Tensor = loss(net, taken._replace(item=items))
        return found

    wanted = value(plain, taken.item)
    torch.testing.assert_close(value(changing, taken.item), wanted)
    torch.testing.assert_close(value(changing, same), wanted)
    net.zero_grad()
    (rest,) = (p for name, p in net.named_parameters() if name.endswith("ids.weight"))
    value(changing, other).backward()  # type: ignore[no-untyped-call]  # torch's own
    assert rest.grad is not None
    with_then = rest.grad.to_dense().clone()
    net.zero_grad()
    value(plain, taken.item).backward()  # type: ignore[no-untyped-call]
    assert not torch.allclose(with_then[1], rest.grad.to_dense()[1])  # of item 0, which 4 was

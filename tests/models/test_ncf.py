"""NCF against torch: the same answers, and a user who is learned without the item asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from palate.data import Histories
from palate.models.deep import Course
from palate.models.ncf import NCF, NCFConfig
from palate.models.nets import ncf
from palate.models.nets.ncf import GMF, MLP, NCFNet, click_loss, joined
from palate.testing.checkerboard import checkerboard
from palate.testing.rows import history

N_ITEMS = 21
SMALL = NCFConfig(d=3, layers=(8, 6, 4), pretrain_epochs=0, batch_size=100)
PARTS = pytest.mark.parametrize("parts", ["gmf", "mlp", "neumf"])


def untrained(config: NCFConfig) -> tuple[NCF, Course, Histories]:
    """A model with random weights, what it would learn, and from whom."""
    board = checkerboard()
    model = NCF(config)
    histories = model._usable(board.histories)
    course = model._course(histories, board)
    torch.manual_seed(3)
    for weights in course.net.parameters():
        nn.init.normal_(weights, std=0.6)
    model._restore({"known": np.ones(N_ITEMS, np.bool_), **course.arrays()})
    return model, course, histories


@PARTS
def test_equals_torch(parts: str) -> None:
    model, course, histories = untrained(NCFConfig(**{**SMALL.model_dump(), "parts": parts}))
    batch = next(iter(course.batches.epoch(1)))
    with torch.no_grad():
        logits = course.net.eval()(batch).numpy()
    asked, users, items, starts, counts = (part.numpy() for part in batch)
    # The net sees a user without the item asked for, so we ask for such a history each.
    for row in range(0, len(asked), 37):
        own = items[starts[users[row]] :][: counts[users[row]]]
        rest = history([item for item in own if item != asked[row, 0]], N_ITEMS)
        expected = model.score_histories(rest)[0, asked[row]]
        np.testing.assert_allclose(logits[row], expected, atol=1e-4)
    assert len(asked) == len(histories)


def test_negatives_are_of_items_not_touched() -> None:
    _, course, histories = untrained(SMALL)
    x = histories.matrix(binary=True).toarray()
    active = np.flatnonzero(np.diff(histories.indptr))
    for epoch in (1, 2):
        for batch in course.batches.epoch(epoch):
            asked, users = batch[0].numpy(), batch[1].numpy()
            assert asked.shape[1] == 1 + SMALL.negatives
            # One batch holds everybody: who is who is told by what was touched.
            touched = np.zeros((len(active), N_ITEMS), np.bool_)
            touched[users, asked[:, 0]] = True
            assert not touched[users[:, None], asked[:, 1:]].any()
            assert touched.sum() == x.sum()


def test_the_loss_is_the_log_loss() -> None:
    _, course, _ = untrained(SMALL)
    batch = next(iter(course.batches.epoch(1)))
    with torch.no_grad():
        logits = course.net(batch).double().numpy()
        found = click_loss(course.net, batch).item()
    p = 1 / (1 + np.exp(-logits))
    p[:, 1:] = 1 - p[:, 1:]
    assert found == pytest.approx(-np.log(p).mean(), rel=1e-4)


def test_neumf_starts_as_the_mean_of_both() -> None:
    _, course, _ = untrained(SMALL)
    gmf, mlp = NCFNet(GMF(N_ITEMS, SMALL), None), NCFNet(None, MLP(N_ITEMS, SMALL))
    batch = next(iter(course.batches.epoch(1)))
    with torch.no_grad():
        both = joined(gmf, mlp)(batch)
        torch.testing.assert_close(both, 0.5 * (gmf(batch) + mlp(batch)))


def test_pre_training_changes_the_start() -> None:
    board = checkerboard()
    config = SMALL.model_copy(update={"pretrain_epochs": 2, "batch_size": 16})
    histories = NCF(config)._usable(board.histories)
    one, same = (NCF(config)._course(histories, board).arrays() for _ in range(2))
    cold = NCF(config.model_copy(update={"pretrain_epochs": 0}))._course(histories, board).arrays()
    assert one.keys() == cold.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, same[name])
    assert any(not np.array_equal(array, cold[name]) for name, array in one.items())


@PARTS
def test_a_user_alone_is_answered_as_among_others(parts: str) -> None:
    model, _, histories = untrained(NCFConfig(**{**SMALL.model_dump(), "parts": parts}))
    together = model.score_histories(histories)
    for user in range(histories.n_users):
        alone = model.score_histories(histories.slice(user, user + 1))
        np.testing.assert_array_equal(alone[0], together[user])


def test_one_item_teaches_without_a_history() -> None:
    _, course, _ = untrained(SMALL)
    zero, one = torch.tensor([0]), torch.tensor([1])
    with torch.no_grad():
        found = course.net((torch.tensor([[2, 5]]), zero, torch.tensor([2]), zero, one))
    assert torch.isfinite(found).all()


def test_of_very_long_histories_some_items_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ncf, "MOST", 4)
    _, course, histories = untrained(SMALL)
    of_epochs = []
    for epoch in (1, 2):
        (batch,) = course.batches.epoch(epoch)
        asked, users, items, _, counts = (part.numpy() for part in batch)
        np.testing.assert_array_equal(np.bincount(users), np.minimum(counts, 4))
        assert len(items) == len(histories)  # users are still all that they touched
        assert len(np.unique(np.stack((users, asked[:, 0])), axis=1).T) == len(asked)
        of_epochs.append(np.sort(asked[:, 0]).tolist())
    assert of_epochs[0] != of_epochs[1]


@pytest.mark.parametrize("layers", [(7, 4), (8,), (8, 0)])
def test_impossible_layers_are_refused(layers: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError, match="layers"):
        NCFConfig(layers=layers)

"""LightGCN against the paper's equations on a dense graph, and against torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from palate.data import Histories
from palate.models.deep import Course
from palate.models.lightgcn import LightGCN, LightGCNConfig
from palate.models.nets.lightgcn import Graph, LightGCNNet
from palate.models.nets.user_batches import UserBatch
from palate.testing.checkerboard import checkerboard
from palate.testing.rows import history

N_ITEMS = 21
SMALL = LightGCNConfig(d=4, batch_size=100)


def untrained(config: LightGCNConfig) -> tuple[LightGCN, Course, Histories]:
    board = checkerboard()
    model = LightGCN(config)
    histories = model._usable(board.histories)
    course = model._course(histories, board)
    model._restore({"known": np.ones(N_ITEMS, np.bool_), **course.arrays()})
    return model, course, histories


def adjacency(histories: Histories) -> np.ndarray:
    """A, (n_users, n_items): R_ui / sqrt(|N_u| |N_i|)."""
    r = histories.matrix(binary=True).toarray().astype(np.float64)
    of_users, of_items = np.maximum(r.sum(1), 1), np.maximum(r.sum(0), 1)
    return np.asarray(r / np.sqrt(of_users[:, None] * of_items), np.float64)


@pytest.mark.parametrize("K", [1, 3, 5])
def test_scores_are_those_of_the_layers(K: int) -> None:
    model, course, histories = untrained(SMALL.model_copy(update={"K": K}))
    assert isinstance(course.net, LightGCNNet)
    a = adjacency(histories)
    items = course.net.items.detach().double().numpy()
    users = np.zeros((histories.n_users, 4))
    of_users, of_items = users.copy(), items.copy()
    for _ in range(K):  # equation 3, from e_u = 0
        users, items = a @ items, a.T @ users
        of_users += users
        of_items += items
    np.testing.assert_allclose(model.score_histories(histories), of_users @ of_items.T, atol=1e-5)


def test_the_gradient_runs_along_the_graph() -> None:
    _, _, histories = untrained(SMALL)
    a = torch.from_numpy(adjacency(histories).astype(np.float32))
    start = torch.randn(N_ITEMS, 3, generator=torch.Generator().manual_seed(0))
    target = torch.randn(N_ITEMS, 3, generator=torch.Generator().manual_seed(1))
    gradients = []
    graph = Graph(histories)
    for carried in (graph, lambda items: a.T @ (a @ items)):
        items = start.clone().requires_grad_()
        (carried(items) * target).sum().backward()
        assert items.grad is not None
        gradients.append(items.grad)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("loss", ["softmax", "bpr"])
def test_an_item_is_learned_from_the_others(loss: str) -> None:
    model, course, _ = untrained(LightGCNConfig(d=4, batch_size=100, loss=loss))
    batch = next(iter(course.batches.epoch(1)))
    with torch.no_grad():
        found = course.loss(course.net.eval(), batch).item()
    part = UserBatch.of(batch[:5])
    x = np.zeros((len(part.counts), N_ITEMS))
    x[part.users.numpy(), part.items.numpy()] = 1
    vectors = model._items.astype(np.float64)
    weights = x * model._weights / np.sqrt(x.sum(1, keepdims=True))
    scores = weights @ vectors @ vectors.T - weights * (vectors**2).sum(1)
    users, items = part.users.numpy(), part.items.numpy()
    if loss == "softmax":
        log_p = scores - np.log(np.exp(scores).sum(1, keepdims=True))
        expected = -log_p[users, items].mean()
    else:
        drawn = batch[5].numpy()
        assert (x[users, drawn] == 0).all()
        expected = np.log1p(np.exp(scores[users, drawn] - scores[users, items])).mean()
    assert found == pytest.approx(expected, rel=1e-4)


def test_equals_torch() -> None:
    model, course, histories = untrained(SMALL)
    batch = next(iter(course.batches.epoch(1)))
    with torch.no_grad():
        users, items, _ = course.net.eval()(batch)
    asked = histories.select(batch[0].numpy())
    expected = (users @ items.T).numpy()
    np.testing.assert_allclose(model.score_histories(asked), expected, atol=1e-4)


def test_reasons_add_up_to_the_score() -> None:
    model, _, _ = untrained(SMALL)
    asked = history([3, 5, 3, 7], N_ITEMS, [1.0, 1.0, 1.0, -1.0])
    added = model._contributions(asked, 9)
    assert added[3] == 0
    assert added[2] == 0
    assert added.sum() == pytest.approx(model.score_histories(asked)[0, 9], rel=1e-5)


def test_a_user_alone_is_answered_as_among_others() -> None:
    model, _, histories = untrained(SMALL)
    together = model.score_histories(histories)
    for user in range(histories.n_users):
        alone = model.score_histories(histories.slice(user, user + 1))
        np.testing.assert_array_equal(alone[0], together[user])


def test_even_layers_are_refused() -> None:
    with pytest.raises(ValidationError, match="K is odd"):
        LightGCNConfig(K=2)

"""MultVAE against torch, and its loss against the formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from palate.models.deep import Course
from palate.models.multvae import MultVAE, MultVAEConfig
from palate.models.nets.multvae import MultVAENet, multinomial_loss
from palate.models.nets.user_batches import UserBatch
from palate.testing.checkerboard import checkerboard
from palate.testing.rows import history

HIDDEN = [(), (7,), (9, 6)]


def untrained(config: MultVAEConfig) -> tuple[MultVAE, Course]:
    """A model with the starting weights of its net, and what it would learn."""
    board = checkerboard()
    model = MultVAE(config)
    histories = model._usable(board.histories)
    course = model._course(histories, board)
    assert isinstance(course.net, MultVAENet)
    for weights in course.net.parameters():
        torch.nn.init.normal_(weights, std=0.5)
    model._restore({"known": np.ones(board.n_items, np.bool_), **course.arrays()})
    return model, course


@pytest.mark.parametrize("hidden", HIDDEN)
def test_equals_torch(hidden: tuple[int, ...]) -> None:
    model, course = untrained(MultVAEConfig(K=5, hidden=hidden, batch_size=100))
    course.net.eval()
    batch = next(iter(course.batches.epoch(1)))
    with torch.no_grad():
        logits, _ = course.net(UserBatch.of(batch))
    histories = checkerboard().histories.select(batch[0].numpy())
    np.testing.assert_allclose(model.score_histories(histories), logits.numpy(), atol=1e-4)


def test_the_loss_is_the_formula() -> None:
    config = MultVAEConfig(K=3, beta=0.4, anneal_steps=10, batch_size=100, dropout=0.0)
    _, course = untrained(config)
    net = course.net.eval()  # z = mu
    assert isinstance(net, MultVAENet)
    net.steps.fill_(5)  # half of the way
    batch = next(iter(course.batches.epoch(1)))
    with torch.no_grad():
        found = multinomial_loss(net, batch).item()
    assert int(net.steps) == 6
    histories = checkerboard().histories.select(batch[0].numpy())
    x = histories.matrix(binary=True).toarray().astype(np.float64)
    arrays = {name: value.double().numpy() for name, value in net.state_dict().items()}
    inner = x / np.linalg.norm(x, axis=1, keepdims=True)
    both = inner @ arrays["first.weight"] + arrays["first_bias"]
    mean, log_variance = both[:, :3], both[:, 3:]
    logits = mean @ arrays["decoder.0.weight"].T + arrays["decoder.0.bias"]
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    kl = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(1)
    assert found == pytest.approx((-(x * log_p).sum(1) + 0.5 * 0.4 * kl).mean(), rel=1e-4)


def test_the_prior_weighs_all_at_once_without_annealing() -> None:
    config = MultVAEConfig(K=3, beta=1.0, anneal_steps=0, batch_size=100, dropout=0.0)
    _, course = untrained(config)
    _, annealed = untrained(config.model_copy(update={"anneal_steps": 100}))
    annealed.net.load_state_dict(course.net.state_dict())
    batch = next(iter(course.batches.epoch(1)))
    with torch.no_grad():
        whole = course.loss(course.net.eval(), batch).item()
        none = annealed.loss(annealed.net.eval(), batch).item()
    assert whole > none


def test_a_user_alone_is_answered_as_among_others() -> None:
    model, _ = untrained(MultVAEConfig(K=5, hidden=(7,)))
    histories = checkerboard().histories
    together = model.score_histories(histories)
    for user in range(histories.n_users):
        alone = model.score_histories(histories.slice(user, user + 1))
        np.testing.assert_array_equal(alone[0], together[user])


def test_batches_are_whole_users() -> None:
    _, course = untrained(MultVAEConfig(K=2, batch_size=20))
    seen = []
    histories = checkerboard().histories
    for batch in course.batches.epoch(1):
        part = UserBatch.of(batch)
        for at, user in enumerate(part.rows.tolist()):
            items = part.items[part.users == at].numpy()
            np.testing.assert_array_equal(items, histories.slice(user, user + 1).items)
            assert part.items[part.starts[at]] == items[0]
        seen += part.rows.tolist()
    assert sorted(seen) == np.flatnonzero(np.diff(histories.indptr)).tolist()


def test_one_item_is_enough_of_a_history() -> None:
    model, _ = untrained(MultVAEConfig(K=5))
    assert np.isfinite(model.score_histories(history([2], 21))).all()

"""The softmax some rows at a time: loss and gradients are those of torch's own operations."""

from __future__ import annotations

import pytest
import torch

from palate.models.nets.realtime_softmax import CACHED, Shared, shared_softmax
from palate.train.losses import in_batch_softmax

ROWS = CACHED // 4  # float32

pytestmark = pytest.mark.usefixtures("one_thread")

D = 6


def given(B: int, M: int, k: int, n_items: int) -> tuple[torch.Tensor, Shared, torch.Tensor]:
    draw = torch.Generator().manual_seed(B + M + k)
    users = torch.randn(B, D, generator=draw)
    columns = torch.randn(M, D, generator=draw).requires_grad_()
    items = torch.randint(n_items, (M,), generator=draw)
    shared = Shared(columns, torch.randn(M, generator=draw), items, others=True)
    own = torch.randn(B, k, generator=draw)
    if k:
        own[0, 0] = -torch.inf
    return users.requires_grad_(), shared, own.requires_grad_()


def plainly(users: torch.Tensor, shared: Shared, own: torch.Tensor) -> torch.Tensor:
    """By whole matrices."""
    scores = users @ shared.columns.T + shared.bias
    if not shared.others:
        B = len(users)
        others = ~torch.eye(B, dtype=torch.bool)
        scores = torch.cat((scores[:, :B].masked_fill(others, -torch.inf), scores[:, B:]), 1)
    there = torch.where(own.isfinite(), shared.items.max() + 1, -1)
    return in_batch_softmax(scores, shared.items, own=(own, there))


def gradients(loss: torch.Tensor, of: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
    return list(torch.autograd.grad(3 * loss, [one for one in of if one.numel()]))


@pytest.mark.parametrize("others", [True, False])
@pytest.mark.parametrize(
    ("B", "M", "k", "n_items"),
    [(1, 1, 0, 1), (5, 9, 2, 100), (40, 60, 3, 7), (ROWS, ROWS + 3, 1, 50),
     (2 * ROWS + 9, 2 * ROWS + 30, 2, 90), (12, 12, 0, 1)],
    ids=["one", "few", "many alike", "a block", "blocks", "all alike"],
)  # fmt: skip
def test_loss_and_gradients_are_those_of_the_whole_matrix(
    B: int, M: int, k: int, n_items: int, others: bool
) -> None:
    users, shared, own = given(B, M, k, n_items)
    shared = shared._replace(others=others)
    found, expected = shared_softmax(users, shared, own, torch.float32), plainly(users, shared, own)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    ours, theirs = (gradients(one, (users, shared.columns, own)) for one in (found, expected))
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-6)


def test_bfloat16_is_near() -> None:
    users, shared, own = given(200, 300, 2, 1000)
    narrow = shared_softmax(users, shared, own, torch.bfloat16)
    torch.testing.assert_close(narrow, plainly(users, shared, own), rtol=0.01, atol=0.01)
    (found,) = torch.autograd.grad(narrow, [users])
    (expected,) = torch.autograd.grad(plainly(users, shared, own), [users])
    assert torch.nn.functional.cosine_similarity(found, expected, dim=1).min() > 0.99
    assert found.dtype is torch.float32


def test_under_autocast_it_is_the_same() -> None:
    users, shared, own = given(30, 40, 1, 20)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = shared_softmax(users, shared, own, torch.float32)
    torch.testing.assert_close(found, plainly(users, shared, own))


def test_scores_far_apart_stay_finite() -> None:
    users, shared, own = given(4, 8, 0, 100)
    found = shared_softmax(users * 1e4, shared, own, torch.float32)
    assert found.isfinite()
    assert all(one.isfinite().all() for one in torch.autograd.grad(found, [users, shared.columns]))


@pytest.mark.parametrize("products", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("at", [0, 5], ids=["a row's own", "another column"])
def test_a_loss_of_what_is_no_number_is_none(products: torch.dtype, at: int) -> None:
    users, shared, own = given(4, 8, 1, 100)
    columns = shared.columns.detach().clone()
    columns[at] = torch.nan
    shared = shared._replace(columns=columns)
    assert shared_softmax(users, shared, own, products).isnan()

"""Losses against what they are by hand."""

from __future__ import annotations

import math

import pytest
import torch

from palate.train import losses

LN2 = math.log(2)


def test_bpr_of_equal_scores_is_ln_2() -> None:
    assert losses.bpr(torch.zeros(3), torch.zeros(3)).item() == pytest.approx(LN2)


def test_bpr_compares_each_positive_with_its_own_negatives() -> None:
    positive, negative = torch.tensor([2.0, 0.0]), torch.tensor([[2.0, 1.0], [0.0, -1.0]])
    by_hand = (LN2 + math.log(1 + math.exp(-1))) / 2
    assert losses.bpr(positive, negative).item() == pytest.approx(by_hand)


def test_bpr_does_not_overflow() -> None:
    assert losses.bpr(torch.tensor([-1e4]), torch.tensor([1e4])).item() == pytest.approx(2e4)


def test_binary_cross_entropy_by_hand_and_weighted() -> None:
    logits, labels = torch.tensor([0.0, math.log(3)]), torch.tensor([1.0, 0.0])
    by_hand = [LN2, -math.log(1 - 0.75)]
    assert losses.binary_cross_entropy(logits, labels).item() == pytest.approx(sum(by_hand) / 2)
    weighted = losses.binary_cross_entropy(logits, labels, torch.tensor([3.0, 1.0])).item()
    assert weighted == pytest.approx((3 * by_hand[0] + by_hand[1]) / 4)


def test_binary_cross_entropy_is_finite_where_a_probability_is_0() -> None:
    logits = torch.tensor([-200.0, 200.0], requires_grad=True)
    value = losses.binary_cross_entropy(logits, torch.tensor([1.0, 0.0]))
    value.backward()  # type: ignore[no-untyped-call]
    assert value.item() == pytest.approx(200.0)
    assert logits.grad is not None
    assert bool(torch.isfinite(logits.grad).all())


def test_all_negative_labels_train_like_any() -> None:
    logits = torch.zeros(4, requires_grad=True)
    losses.binary_cross_entropy(logits, torch.zeros(4)).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.full((4,), 0.125))


def test_sampled_softmax_over_all_items_is_cross_entropy() -> None:
    scores = torch.tensor([[1.0, 2.0, 3.0]])
    found = losses.sampled_softmax(scores[:, 0], scores[:, 1:])
    expected = torch.nn.functional.cross_entropy(scores, torch.tensor([0]))
    torch.testing.assert_close(found, expected)


def test_sampled_softmax_takes_the_draws_chances_off() -> None:
    positive, negatives = torch.tensor([1.0]), torch.tensor([[2.0, 0.0]])
    q = torch.tensor([0.5, 0.25])
    found = losses.sampled_softmax(
        positive, negatives, log_q_positive=torch.log(torch.tensor([0.1])), log_q_negatives=q.log()
    )
    weights = [math.e / 0.1, math.exp(2) / 0.5, 1 / 0.25]
    assert found.item() == pytest.approx(-math.log(weights[0] / sum(weights)))


def test_sampled_softmax_leaves_hits_out() -> None:
    positive, negatives = torch.tensor([1.0]), torch.tensor([[1.0, 0.0]])
    hits = torch.tensor([[True, False]])
    found = losses.sampled_softmax(positive, negatives, hits=hits)
    assert found.item() == pytest.approx(math.log(1 + math.exp(-1)))
    none_left = losses.sampled_softmax(positive, negatives, hits=torch.ones(1, 2, dtype=torch.bool))
    assert none_left.item() == 0.0


def test_in_batch_softmax_leaves_an_items_other_rows_out() -> None:
    scores = torch.tensor([[1.0, 5.0, 0.0], [5.0, 1.0, 0.0], [0.0, 0.0, 2.0]])
    found = losses.in_batch_softmax(scores, torch.tensor([7, 7, 9]))
    by_hand = [math.log(1 + math.exp(-1))] * 2 + [math.log(1 + 2 * math.exp(-2))]
    assert found.item() == pytest.approx(sum(by_hand) / 3)


def test_in_batch_softmax_takes_popularity_off_the_columns() -> None:
    log_q = torch.log(torch.tensor([0.8, 0.2]))
    found = losses.in_batch_softmax(torch.zeros(2, 2), torch.tensor([0, 1]), log_q)
    assert found.item() == pytest.approx(-(math.log(0.2) + math.log(0.8)) / 2)


def test_in_batch_softmax_of_a_batch_of_one_is_0() -> None:
    assert losses.in_batch_softmax(torch.tensor([[3.0]]), torch.tensor([1])).item() == 0.0


def test_multinomial_sums_over_items_and_averages_over_rows() -> None:
    targets = torch.tensor([[1.0, 2.0], [0.0, 0.0]])
    assert losses.multinomial(torch.zeros(2, 2), targets).item() == pytest.approx(3 * LN2 / 2)


def test_cosine_of_like_opposite_square_and_nothing() -> None:
    left = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    right = torch.tensor([[2.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    assert losses.cosine(left, right).item() == pytest.approx((0 + 2 + 1 + 1) / 4)


def test_in_batch_softmax_with_further_columns_and_negatives_of_a_row() -> None:
    scores = torch.tensor([[1.0, 2.0, 0.5], [0.0, 3.0, 4.0]])
    own = (torch.tensor([[9.0, 0.25], [0.0, 0.0]]), torch.tensor([[-1, 5], [8, -1]]))
    # Column 2 is row 1's own item again, and row 1's own negative 8 is its item.
    found = losses.in_batch_softmax(scores.clone(), torch.tensor([7, 8, 8]), own=own)
    first = math.log(math.exp(1.0) + math.exp(2.0) + math.exp(0.5) + math.exp(0.25)) - 1.0
    second = math.log(math.exp(0.0) + math.exp(3.0)) - 3.0
    assert found.item() == pytest.approx((first + second) / 2, rel=1e-6)

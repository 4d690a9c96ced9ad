"""Judging one model: figures worked out by hand, and every edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from palate.data.split import Split
from palate.errors import DataError, NotFittedError
from palate.evaluate import Protocol, judge

if TYPE_CHECKING:
    from tests.evaluate.conftest import Kit

ALPHABET = {"a": 6.0, "b": 5.0, "c": 4.0, "d": 3.0, "e": 2.0, "f": 1.0}


def test_by_hand(kit: Kit, hand: Split, two: Protocol) -> None:
    """u1 gets c, d: both right; u2 gets b, d: the first right; u4 gets popular a, b: wrong."""
    model = kit.model(scores=ALPHABET).fit(hand.train)
    judgement = judge(model, hand.train, hand.test, two)
    ids = [[hand.test.item_vocabulary.id(row) for row in user] for user in judgement.recommended]
    assert ids == [["c", "d"], ["b", "d"], ["a", "b"]]
    assert judgement.per_user["ndcg"].tolist() == [1.0, 1.0, 0.0]
    assert judgement.per_user["precision"].tolist() == [1.0, 0.5, 0.0]
    assert judgement.per_user["recall"].tolist() == [1.0, 1.0, 0.0]
    assert judgement.intervals["ndcg"].estimate == pytest.approx(2 / 3)
    assert judgement.intervals["precision"].estimate == pytest.approx(0.5)
    assert judgement.figures["catalogue_coverage"] == pytest.approx(4 / 6)  # a, b, c, d of 6
    assert judgement.empty_slates == 0
    assert judgement.recommend_s >= 0


def test_intervals_hold_the_mean(kit: Kit, hand: Split, two: Protocol) -> None:
    judgement = judge(kit.model(scores=ALPHABET).fit(hand.train), hand.train, hand.test, two)
    for interval in judgement.intervals.values():
        assert interval.low <= interval.estimate <= interval.high
        assert interval.level == two.level


def test_test_user_unknown_to_train(kit: Kit, two: Protocol) -> None:
    """The parts have vocabularies of their own; the stranger gets popular items and counts."""
    train = kit.dataset([("u1", "a"), ("u1", "b"), ("u2", "a")])
    test = kit.dataset([("u2", "b"), ("stranger", "a")])
    judgement = judge(kit.model(a=2.0, b=1.0).fit(train), train, test, two)
    users = [test.user_vocabulary.id(row) for row in judgement.users]
    assert dict(zip(users, judgement.per_user["ndcg"].tolist(), strict=True)) == {
        "stranger": 1.0,
        "u2": 1.0,
    }


def test_test_item_unknown_to_the_model_is_a_miss(kit: Kit, two: Protocol) -> None:
    """A release of last week does not know today's items: it may not gain by that."""
    old = kit.dataset([("u1", "a"), ("u2", "b"), ("u3", "gone")])
    split = kit.cut([("u1", "a"), ("u2", "b")], [("u1", "b"), ("u1", "new"), ("u2", "new")])
    model = kit.model(gone=9.0, a=2.0, b=1.0).fit(old)
    judgement = judge(model, split.train, split.test, two)
    assert judgement.per_user["recall"].tolist() == [0.5, 0.0]
    assert judgement.per_user["precision"].tolist() == [0.5, 0.0]
    # `gone` stands first, and the test part has no row for it.
    assert judgement.recommended[:, 0].tolist() == [-1, -1]


def test_user_without_predictions_counts_zero(kit: Kit, hand: Split, two: Protocol) -> None:
    model = kit.model("unscored").fit(hand.train)
    judgement = judge(model, hand.train, hand.test, two)
    assert judgement.per_user["ndcg"].tolist() == [0.0, 0.0, 0.0]
    assert judgement.intervals["ndcg"].estimate == 0.0
    assert judgement.empty_slates == 3
    assert judgement.nan_scores == 6
    assert "gini" not in judgement.figures  # not defined when nothing is shown


def test_fewer_than_k(kit: Kit, hand: Split, two: Protocol) -> None:
    """One item where two were asked for: the empty place is a miss."""
    model = kit.model("short").fit(hand.train)
    judgement = judge(model, hand.train, hand.test, two)
    assert judgement.recommended.shape == (3, 2)
    assert (judgement.recommended[:, 1] == -1).all()
    assert (judgement.per_user["precision"] <= 0.5).all()


def test_nan_scores_never_rank(kit: Kit, hand: Split, two: Protocol) -> None:
    """Only a and c are scored: u1 has seen a and gets c alone; u2 has seen both."""
    model = kit.model(other=None, a=2.0, c=1.0).fit(hand.train)
    judgement = judge(model, hand.train, hand.test, two)
    c = hand.test.item_vocabulary.row("c")
    assert judgement.recommended[:2].tolist() == [[c, -1], [-1, -1]]
    assert judgement.per_user["recall"].tolist() == [0.5, 0.0, 0.0]
    assert judgement.empty_slates == 1


def test_k_above_the_catalogue(kit: Kit, hand: Split) -> None:
    protocol = Protocol(split=None, k=50, rounds=20)
    judgement = judge(kit.model(scores=ALPHABET).fit(hand.train), hand.train, hand.test, protocol)
    assert judgement.recommended.shape == (3, 50)
    assert judgement.per_user["recall"].tolist() == [1.0, 1.0, 1.0]
    assert judgement.per_user["precision"].tolist() == [2 / 50, 1 / 50, 1 / 50]


def test_tied_scores_go_by_lowest_id(kit: Kit, hand: Split, two: Protocol) -> None:
    judgement = judge(kit.model(a=1.0).fit(hand.train), hand.train, hand.test, two)
    ids = [[hand.test.item_vocabulary.id(row) for row in user] for user in judgement.recommended]
    assert ids[:2] == [["c", "d"], ["b", "d"]]


def test_all_users_tied_have_an_interval_of_no_width(kit: Kit, two: Protocol) -> None:
    split = kit.cut([("u1", "a"), ("u2", "a"), ("u3", "a")], [(u, "b") for u in ("u1", "u2", "u3")])
    interval = judge(kit.model(b=1.0).fit(split.train), split.train, split.test, two).intervals[
        "ndcg"
    ]
    assert (interval.low, interval.estimate, interval.high) == (1.0, 1.0, 1.0)


def test_one_user(kit: Kit, two: Protocol) -> None:
    split = kit.cut([("u", "a")], [("u", "b")])
    judgement = judge(kit.model().fit(split.train), split.train, split.test, two)
    assert judgement.intervals["recall"].estimate == 1.0


def test_one_item(kit: Kit, two: Protocol) -> None:
    """It was seen, so there is nothing left to recommend."""
    split = kit.cut([("u", "a"), ("v", "a")], [("u", "a")])
    judgement = judge(kit.model().fit(split.train), split.train, split.test, two)
    assert judgement.intervals["ndcg"].estimate == 0.0
    allowed = judge(
        kit.model().fit(split.train),
        split.train,
        split.test,
        two.model_copy(update={"exclude_seen": False}),
    )
    assert allowed.intervals["ndcg"].estimate == 1.0


def test_min_value_says_what_is_relevant(kit: Kit) -> None:
    """u2's only test item is rated low: u2 is not part of the average."""
    split = kit.cut([("u1", "a"), ("u2", "a")], [("u1", "b", 5), ("u1", "c", 2), ("u2", "b", 1)])
    protocol = Protocol(split=None, k=2, rounds=20, min_value=4)
    judgement = judge(kit.model(b=2.0, c=1.0).fit(split.train), split.train, split.test, protocol)
    assert np.isnan(judgement.per_user["recall"]).tolist() == [False, True]
    assert judgement.intervals["recall"].estimate == 1.0


def test_nothing_relevant(kit: Kit, hand: Split) -> None:
    model = kit.model().fit(hand.train)
    with pytest.raises(DataError, match="nothing is relevant"):
        judge(model, hand.train, hand.test, Protocol(split=None, min_value=9))


def test_empty_test_part(kit: Kit, hand: Split, two: Protocol) -> None:
    nobody = hand.test.with_interactions(hand.test.interactions.clear())
    with pytest.raises(DataError, match="nobody"):
        judge(kit.model().fit(hand.train), hand.train, nobody, two)


@pytest.mark.parametrize(
    ("mode", "words"),
    [("malformed", "shape"), ("outside", "outside its vocabulary"), ("long", "4 items where 2")],
)
def test_malformed_answers_are_refused(
    kit: Kit, hand: Split, two: Protocol, mode: str, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        judge(kit.model(mode).fit(hand.train), hand.train, hand.test, two)


def test_unfitted_model(kit: Kit, hand: Split, two: Protocol) -> None:
    with pytest.raises(NotFittedError):
        judge(kit.model(), hand.train, hand.test, two)


def test_rating_metrics_only_for_models_that_rate(kit: Kit) -> None:
    split = kit.cut([("u1", "a", 4), ("u2", "a", 2)], [("u1", "b", 5), ("u2", "c", 1)])
    protocol = Protocol(split=None, k=2, rounds=20)
    plain = judge(kit.model(b=4.0, c=3.0).fit(split.train), split.train, split.test, protocol)
    rated = judge(kit.rater(b=4.0, c=3.0).fit(split.train), split.train, split.test, protocol)
    assert "rmse" not in plain.figures
    assert rated.figures["mae"] == pytest.approx(1.5)  # errors of 1 and 2
    assert rated.figures["rmse"] == pytest.approx(np.sqrt(2.5))
    assert rated.figures["unpredicted_ratings"] == 0.0


def test_a_rating_without_prediction_gets_the_mean(kit: Kit) -> None:
    """NaN for c, and a user without history: the training mean of 3 takes their place."""
    split = kit.cut(
        [("u1", "a", 4), ("u2", "a", 2)], [("u1", "b", 5), ("u2", "c", 1), ("new", "b", 4)]
    )
    protocol = Protocol(split=None, k=2, rounds=20)
    model = kit.rater(other=None, b=5.0).fit(split.train)
    figures = judge(model, split.train, split.test, protocol).figures
    assert figures["mae"] == pytest.approx((0 + 2 + 1) / 3)
    assert figures["unpredicted_ratings"] == pytest.approx(2 / 3)


def test_judging_changes_nothing_that_was_learned(kit: Kit, hand: Split, two: Protocol) -> None:
    model = kit.model(scores=ALPHABET).fit(hand.train)
    first = judge(model, hand.train, hand.test, two)
    second = judge(model, hand.train, hand.test, two)
    assert first.intervals == second.intervals
    assert model.seen_rows == [len(hand.train)]

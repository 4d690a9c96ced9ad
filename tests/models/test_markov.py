"""Markov by hand and by brute force, learning further, and the laws of a recommender."""

from __future__ import annotations

import numpy as np
import pytest

from palate.data import Dataset
from palate.models.markov import Markov, MarkovConfig
from palate.testing.checkerboard import N_USERS
from palate.testing.model_files import AnyModel
from palate.testing.models import ModelConformance
from palate.testing.rows import dataset, history

# u1: a b c a b    u2: a c    u3: b
ROWS = [
    ("u1", "a", 1.0, 0.0),
    ("u1", "b", 1.0, 1.0),
    ("u1", "c", 1.0, 2.0),
    ("u1", "a", 1.0, 3.0),
    ("u1", "b", 1.0, 4.0),
    ("u2", "a", 1.0, 0.0),
    ("u2", "c", 1.0, 1.0),
    ("u3", "b", 1.0, 0.0),
]
A, B, C = range(3)


class TestMarkov(ModelConformance):
    model = Markov(MarkovConfig(D=10))

    def test_recommends_the_obvious(self, board: Dataset, fitted: AnyModel) -> None:
        """What follows a user's last item is of its kind, if seen already or not."""
        users = board.user_vocabulary.ids[:N_USERS]
        first = fitted.recommend(users, 1, exclude_seen=False)["item_id"].to_list()
        assert [int(item[-2:]) % 2 for item in first] == [user % 2 for user in range(N_USERS)]


def scores(model: Markov, *items: int) -> np.ndarray:
    return np.asarray(model.score_histories(history(list(items), 3))[0])


def test_the_next_item_by_hand() -> None:
    model = Markov().fit(dataset(ROWS))
    np.testing.assert_allclose(scores(model, A), [0, 2 / 3, 1 / 3])  # b b c
    np.testing.assert_allclose(scores(model, B), [0, 0, 1])
    np.testing.assert_allclose(scores(model, C), [1, 0, 0])


def test_the_last_item_alone_counts() -> None:
    model = Markov().fit(dataset(ROWS))
    np.testing.assert_array_equal(scores(model, C, B, A), scores(model, A))
    np.testing.assert_array_equal(scores(model, A, A), scores(model, A))


def test_skips_fade_by_hand() -> None:
    model = Markov(MarkovConfig(D=2, delta=0.5)).fit(dataset(ROWS))
    # After a: b, then c half; b; c.   After b: c, then a half.   After c: a, then b half.
    np.testing.assert_allclose(scores(model, A) * 3.5, [0, 2, 1.5])
    np.testing.assert_allclose(scores(model, B) * 1.5, [0.5, 0, 1])
    np.testing.assert_allclose(scores(model, C) * 1.5, [1, 0.5, 0])


def test_a_dislike_is_no_step() -> None:
    # a, then b disliked, then c: c follows a.
    rows = [("u", "a", 1.0, 0.0), ("u", "b", -1.0, 1.0), ("u", "c", 1.0, 2.0)]
    model = Markov().fit(dataset(rows))
    np.testing.assert_array_equal(scores(model, A), [0, 0, 1])
    asked = model.score_histories(history([A, B], 3, [1.0, -1.0]))[0]
    np.testing.assert_array_equal(asked, [0, 0, 1])  # a is the last one liked


def test_order_is_that_of_time_not_of_arrival() -> None:
    model = Markov().fit(dataset(ROWS[::-1]))
    np.testing.assert_allclose(scores(model, A), [0, 2 / 3, 1 / 3])


def test_an_item_that_nothing_followed_gets_popular_items() -> None:
    model = Markov().fit(
        dataset([("u", "a", 1.0, 0.0), ("u", "b", 1.0, 1.0), ("v", "b", 1.0, 0.0)])
    )
    assert model.top_k(history([1], 2), 1, exclude_seen=False).items.tolist() == [[1]]


def test_partial_fit_equals_fit_at_once() -> None:
    config = MarkovConfig(D=3)
    late = [("u4", "c", 1.0, 9.0), ("u4", "b", 1.0, 10.0), ("u4", "a", 1.0, 11.0)]
    further = Markov(config).fit(dataset(ROWS))
    further.partial_fit(dataset(late))
    at_once = Markov(config).fit(dataset([*ROWS, *late]))
    for item in (A, B, C):
        np.testing.assert_allclose(scores(further, item), scores(at_once, item), rtol=1e-12)
    np.testing.assert_array_equal(further.popularity, at_once.popularity)


def test_partial_fit_with_nothing_changes_nothing() -> None:
    model = Markov().fit(dataset(ROWS))
    before = scores(model, A)
    whole = dataset(ROWS)
    model.partial_fit(whole.with_interactions(whole.interactions.clear()))
    np.testing.assert_array_equal(scores(model, A), before)


@pytest.mark.parametrize("value", [{"D": 0}, {"delta": 0.0}, {"delta": 1.5}])
def test_impossible_settings(value: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        MarkovConfig.model_validate(value)

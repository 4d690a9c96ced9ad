"""FM as a recommender: the laws, its formula, its kernel's gradient, attributes of new items."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from palate.config import Attribute, Schema
from palate.data import Dataset
from palate.errors import DataError
from palate.models.fm_recommender import FMRecommender, FMRecommenderConfig
from palate.models.kernels.fm_history import fm_history_epoch
from palate.testing.checkerboard import checkerboard, tiny
from palate.testing.models import ModelConformance
from palate.testing.rows import history
from palate.types import AttributeKind


class TestFMRecommender(ModelConformance):
    model = FMRecommender(FMRecommenderConfig(k=8, epochs=60))


class TestFMRecommenderOneAttribute(ModelConformance):
    model = FMRecommender(FMRecommenderConfig(k=8, epochs=60, attributes=("kind",), alpha=0.0))


def test_scores_are_the_formula() -> None:
    model = FMRecommender(FMRecommenderConfig(k=4, epochs=5, alpha=0.5)).fit(checkerboard())
    state = model._state()
    q, b, y = state["items"][:, :-1], state["items"][:, -1], state["touched"]
    found = model.score_histories(history([3, 7, 3, 11], len(q)))[0]
    p = (y[3] + y[7] + y[11]) / np.sqrt(3)  # a repeated item counts once
    np.testing.assert_allclose(found, q @ p + b, rtol=1e-4, atol=1e-5)


def test_an_item_nobody_touched_has_the_factors_of_its_attributes() -> None:
    model = FMRecommender(FMRecommenderConfig(k=8, epochs=60)).fit(checkerboard())
    cold = model.vocabulary.row("item-20")
    state = model._state()
    assert not state["touched"][cold].any()
    even = model.score_histories(history([0, 2, 4], len(model.vocabulary)))[0]
    odd = model.score_histories(history([1, 3, 5], len(model.vocabulary)))[0]
    assert even[cold] > odd[cold] + 1.0  # it is even, as its attribute says


def test_without_attributes_a_new_item_is_like_no_other() -> None:
    config = FMRecommenderConfig(k=4, epochs=5, attributes=())
    model = FMRecommender(config).fit(checkerboard())
    cold = model.vocabulary.row("item-20")
    assert not model._state()["items"][cold, :-1].any()
    assert model.similar_items(["item-20"], 3).is_empty()


def test_the_first_steps_go_down_the_gradient() -> None:
    """One user, two items, one negative; compared with difference quotients of the loss.

    With eta tiny all rows are met at nearly the first parameters, so that every step is
    eta g / sqrt(1 + ...) of the gradients there, summed over the rows.
    """
    rng = np.random.default_rng(0)
    k, alpha, eta = 3, 0.5, 1e-3
    rows = (
        np.array([0, 2, 4, 6], np.int64),
        np.array([0, 3, 1, 3, 2, 4], np.int32),
        np.array([1, 0.5, 1, 0.5, 1, 2], np.float32),
    )
    start = (
        np.array([0.2]),
        rng.normal(size=5).astype(np.float32),
        rng.normal(size=(5, k)).astype(np.float32),
        rng.normal(size=(3, k)).astype(np.float32),
    )
    touched, drawn = [0, 1], np.array([[2], [1]], np.int32)  # 1 is in the history: skipped

    def loss(parts: list[np.ndarray]) -> float:
        bias, w, v, y = parts
        total = 0.0
        for item, label, others in ((0, 1, [1]), (2, 0, [0, 1]), (1, 1, [0])):
            p = y[others].sum(axis=0) * len(others) ** -alpha
            entries = range(rows[0][item], rows[0][item + 1])
            score = bias[0] + sum(rows[2][e] * (w[rows[1][e]] + v[rows[1][e]] @ p) for e in entries)
            total += np.logaddexp(0, score) - label * score
        return float(total)

    before = [a.astype(np.float64) for a in start]
    squares = (np.ones(1), np.ones(5, np.float32), np.ones((5, k), np.float32),
               np.ones((3, k), np.float32))  # fmt: skip
    fm_history_epoch(
        np.array([0]),
        (np.array([0, 2]), np.array(touched, np.int32)),
        drawn,
        rows,
        start,
        squares,
        (np.float32(eta), np.float32(0), np.float32(0)),
        alpha,
    )
    history_factors = before[3]
    for at in np.ndindex(history_factors.shape):
        ends = []
        for h in (1e-5, -1e-5):
            moved = [a.copy() for a in before]
            moved[3][at] += h
            ends.append(loss(moved))
        g = (ends[0] - ends[1]) / 2e-5
        step = (history_factors[at] - start[3][at]) / eta
        assert step == pytest.approx(g / np.sqrt(1 + g * g), abs=3e-3)


def test_disliked_items_are_no_history() -> None:
    model = FMRecommender(FMRecommenderConfig(k=4, epochs=5)).fit(checkerboard())
    n = len(model.vocabulary)
    with_dislike = history([3, 7], n)
    with_dislike.values[1] = -1.0
    np.testing.assert_array_equal(
        model.score_histories(with_dislike), model.score_histories(history([3], n))
    )


def test_nothing_above_zero_is_refused() -> None:
    with pytest.raises(DataError, match="above 0"):
        FMRecommender().fit(tiny([("u", "a", 0.0), ("v", "b", -1.0)]))


def test_an_attribute_that_is_not_declared_is_refused() -> None:
    with pytest.raises(DataError, match="colour"):
        FMRecommender(FMRecommenderConfig(attributes=("colour",))).fit(checkerboard())


def test_attributes_missing_for_some_items() -> None:
    data = Dataset.from_frames(
        pl.DataFrame({"user_id": ["u", "u", "v"], "item_id": ["a", "b", "c"]}),
        items=pl.DataFrame({"item_id": ["a"], "price": [3.0], "tags": [["x"]]}),
        schema=Schema(
            items={
                "price": Attribute(kind=AttributeKind.NUMBER),
                "tags": Attribute(kind=AttributeKind.CATEGORIES),
            }
        ),
    )
    model = FMRecommender(FMRecommenderConfig(epochs=2)).fit(data)
    assert np.isfinite(model.score_histories(data.histories)).all()


def test_a_step_too_long_is_said() -> None:
    config = FMRecommenderConfig(eta=1e30, epochs=30)
    with pytest.raises(DataError, match="diverged"):
        FMRecommender(config).fit(checkerboard())

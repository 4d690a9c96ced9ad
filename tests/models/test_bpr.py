"""BPR: planted orders, the descent by numerical gradient, and users folded in."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
import pytest

from palate.data import Dataset
from palate.errors import DataError, NotFittedError
from palate.models.bpr import BPR, BPRConfig
from palate.testing.model_files import AnyModel
from palate.testing.models import ModelConformance
from palate.testing.rows import dataset, history


class TestBPR(ModelConformance):
    model: ClassVar[AnyModel] = BPR(BPRConfig(f=8, epochs=100))


@pytest.fixture(scope="module")
def data() -> Dataset:
    rng = np.random.default_rng(5)
    rows = []
    for user in range(60):
        mine = np.flatnonzero(np.arange(40) % 4 == user % 4)
        for item in rng.choice(mine, 6, replace=False):
            rows.append((f"u{user:02d}", f"i{item:02d}", 1.0, 0.0))
    return dataset(rows)


@pytest.fixture(scope="module")
def model(data: Dataset) -> BPR:
    return BPR(BPRConfig(f=8, epochs=150, lambda_=0.01)).fit(data)


def test_puts_the_untouched_of_the_same_kind_first(data: Dataset, model: BPR) -> None:
    top = model.top_k(data.histories, 4).items
    assert (top % 4 == np.arange(60)[:, None] % 4).mean() > 0.98


def test_a_user_is_folded_in_to_the_best_of_the_criterion(model: BPR) -> None:
    """At the end the gradient over all pairs, taken exactly, is near 0."""
    given, config = [0, 4, 8, 12], model.config
    y, b = model._items[:, :-1].astype(np.float64), model._items[:, -1].astype(np.float64)
    x = model._fold_in(history(given, 40))[0, :-1].astype(np.float64)
    others = np.setdiff1d(np.arange(40), given)
    gradients = []
    for i in given:
        for j in others:
            rest = 1 / (1 + np.exp(b[i] - b[j] + x @ (y[i] - y[j])))
            gradients.append(rest * (y[i] - y[j]) - config.lambda_ * x)
    residual = np.linalg.norm(np.mean(gradients, axis=0))
    at_the_origin = np.linalg.norm([y[i] - y[j] for i in given for j in others], axis=1).mean()
    assert residual < 0.1 * at_the_origin


def test_the_steps_for_each_item_add_up_to_the_score(model: BPR) -> None:
    seen = history([3, 8, 3, 20, 5], 40, [1.0, 1.0, 1.0, 1.0, -2.0])
    scores = model.score_histories(seen)[0]
    for item in (0, 11, 24):
        added = model._contributions(seen, item)
        assert added[2] == added[4] == 0  # a repeat is counted with the first, a dislike never
        assert added.sum() == pytest.approx(float(scores[item] - model._biases[item]), abs=1e-3)


def test_items_of_the_same_kind_are_the_reason(model: BPR) -> None:
    reasons = model.explain_history(history([1, 2, 5, 3], 40), 9, k=4)
    assert {reason.item_id for reason in reasons[:2]} == {"i01", "i05"}


def test_who_touched_all_or_nothing_has_no_reasons(model: BPR) -> None:
    assert model.explain_history(history(list(range(40)), 40), 9) == []
    assert model.explain_history(history([], 40), 9) == []


def test_a_repeat_and_a_dislike_do_not_count(model: BPR) -> None:
    once = model.score_histories(history([3, 7], 40))
    again = model.score_histories(history([3, 7, 3], 40))
    np.testing.assert_array_equal(again, once)
    disliked = model.score_histories(history([3, 5, 7], 40, [1.0, -2.0, 1.0]))
    np.testing.assert_array_equal(disliked, once)


def test_a_user_who_touched_everything_prefers_nothing(model: BPR) -> None:
    everything = model._fold_in(history(list(range(40)), 40))
    assert (everything[0, :-1] == 0).all()
    assert (model.top_k(history(list(range(40)), 40), 3).items == -1).all()


def test_an_item_nobody_touched_has_no_factors(data: Dataset) -> None:
    items = pl.DataFrame({"item_id": [*data.item_vocabulary.ids, "new"]})
    model = BPR(BPRConfig(f=8, epochs=3)).fit(Dataset.from_frames(data.interactions, items=items))
    assert model.similar_rows(np.array([40], np.int32), 3).items.tolist() == [[-1, -1, -1]]
    scores = model.score_histories(history([3, 7], 41))[0]
    assert scores[40] == model._items[40, -1]  # its bias alone: drawn, and never touched
    assert scores[40] < 0


def test_only_dislikes_are_refused() -> None:
    with pytest.raises(DataError, match="no value is above 0"):
        BPR().fit(dataset([("u", "a", -1.0, 0.0), ("v", "b", -1.0, 0.0)]))


def test_everybody_touched_everything_is_no_order() -> None:
    data = dataset([(f"u{u}", f"i{i}", 1.0, 0.0) for u in range(4) for i in range(5)])
    model = BPR(BPRConfig(f=4, epochs=2)).fit(data)
    assert np.isfinite(model.score_histories(data.histories)).all()


def test_an_interrupted_fit_leaves_nothing_to_save(data: Dataset, tmp_path: Path) -> None:
    def stop(done: int, total: int, what: str) -> None:
        raise KeyboardInterrupt

    model = BPR(BPRConfig(f=4))
    with pytest.raises(KeyboardInterrupt):
        model.fit(data, progress=stop)
    with pytest.raises(NotFittedError):
        model.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()

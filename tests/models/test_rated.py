"""Rating models: the laws of all models on a board of likes and dislikes, and ratings proper."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from palate.data import Dataset, Histories
from palate.errors import DataError, NotFittedError
from palate.models.als_explicit import ExplicitALS, ExplicitALSConfig
from palate.models.rated import Rated, newest_ratings, solve_rated
from palate.models.svd import SVD, SVDConfig
from palate.testing.checkerboard import N_ITEMS, N_USERS, checkerboard
from palate.testing.model_files import AnyModel
from palate.testing.models import ModelConformance
from palate.testing.rows import dataset, history

SVD_SMALL = SVD(SVDConfig(f=4, epochs=60, gamma=0.03))
ALS_SMALL = ExplicitALS(ExplicitALSConfig(f=4))
BOTH = pytest.mark.parametrize("model", [SVD_SMALL, ALS_SMALL], ids=["svd", "explicit_als"])


def rated_board() -> Dataset:
    """The checkerboard with +1 for each like, and -1 on a third of the other kind."""
    board = checkerboard()
    liked = set(zip(board.user_rows.tolist(), board.item_rows.tolist(), strict=True))
    rows = [(u, i, 1.0) for u, i in sorted(liked) if u % 2 == i % 2]
    rows += [
        (u, i, -1.0)
        for u in range(N_USERS)
        for i in range(N_ITEMS)
        if u % 2 != i % 2 and (u + i) % 3 == 0
    ]
    frame = pl.DataFrame(
        {
            "user_id": [board.user_vocabulary.id(u) for u, _, _ in rows],
            "item_id": [board.item_vocabulary.id(i) for _, i, _ in rows],
            "value": [value for _, _, value in rows],
        }
    )
    return Dataset.from_frames(frame, items=board.items, users=board.users)


class RatedConformance(ModelConformance):
    @pytest.fixture
    def board(self) -> Dataset:
        return rated_board()

    def test_fits_the_same_twice(self, board: Dataset, fitted: AnyModel) -> None:
        again = self.fit(rated_board())
        np.testing.assert_array_equal(
            again.score_histories(board.histories), fitted.score_histories(board.histories)
        )


class TestSVD(RatedConformance):
    model: ClassVar[AnyModel] = SVD_SMALL


class TestExplicitALS(RatedConformance):
    model: ClassVar[AnyModel] = ALS_SMALL


def fitted(model: Rated[Any], data: Dataset) -> Rated[Any]:
    return type(model)(model.config).fit(data)


def ratings(rng: np.random.Generator, n_users: int, n_items: int, n: int) -> Dataset:
    """Biases and one factor plus noise of deviation 0.1, around 3."""
    user_bias, item_bias = rng.normal(0, 0.5, n_users), rng.normal(0, 0.5, n_items)
    user, item = rng.normal(size=n_users), rng.normal(0, 0.7, n_items)
    cells = rng.choice(n_users * n_items, n, replace=False)
    return dataset(
        [
            (
                f"u{u:03d}",
                f"i{i:03d}",
                3 + user_bias[u] + item_bias[i] + user[u] * item[i] + rng.normal(0, 0.1),
                0.0,
            )
            for u, i in ((int(cell) // n_items, int(cell) % n_items) for cell in cells)
        ]
    )


@BOTH
def test_finds_planted_tastes(model: Rated[Any]) -> None:
    data = ratings(np.random.default_rng(1), 200, 60, 6000)
    mask = np.random.default_rng(2).random(len(data)) < 0.2
    train = data.with_interactions(data.interactions.filter(pl.Series(~mask)))
    test = data.with_interactions(data.interactions.filter(pl.Series(mask)))
    predicted = fitted(model, train).score(test.interactions)
    truth = test.interactions["value"].to_numpy()
    biases_alone = 0.7  # deviation of the planted product
    assert np.sqrt(np.mean((predicted - truth) ** 2)) < 0.4 * biases_alone


@BOTH
def test_all_equal_ratings_are_predicted_as_they_are(model: Rated[Any]) -> None:
    data = dataset([(f"u{u}", f"i{i}", 4.0, 0.0) for u in range(5) for i in range(4) if u != i])
    scores = fitted(model, data).score_histories(data.histories)
    np.testing.assert_allclose(scores, 4.0, atol=0.05)


@BOTH
def test_an_item_without_ratings_is_predicted_from_the_user_alone(model: Rated[Any]) -> None:
    data = ratings(np.random.default_rng(1), 30, 20, 400)
    items = pl.DataFrame({"item_id": [*data.item_vocabulary.ids, "new"]})
    learned = fitted(model, Dataset.from_frames(data.interactions, items=items))
    user = data.user_vocabulary.id(3)
    rated = data.interactions.filter(pl.col("user_id") == user)["value"].mean()
    score = learned.score(pl.DataFrame({"user_id": [user], "item_id": ["new"]}))[0]
    assert isinstance(rated, float)
    assert abs(score - rated) < 1.0
    assert np.isnan(learned.similar_rows(np.array([20], np.int32), 3).scores).all()


@BOTH
def test_a_user_without_history_has_no_prediction(model: Rated[Any]) -> None:
    data = ratings(np.random.default_rng(1), 30, 20, 400)
    learned = fitted(model, data)
    assert np.isnan(learned.score(pl.DataFrame({"user_id": ["new"], "item_id": ["i001"]}))).all()
    nobody = learned.score_histories(Histories.empty(1, learned.popularity.size))
    assert np.isfinite(nobody).all()  # mu + b_i


@BOTH
def test_a_scale_of_a_hundred_is_one_of_five(model: Rated[Any]) -> None:
    data = ratings(np.random.default_rng(1), 30, 20, 400)
    wide = data.with_interactions(data.interactions.with_columns(pl.col("value") * 20 + 7))
    np.testing.assert_allclose(
        fitted(model, wide).score_histories(wide.histories),
        fitted(model, data).score_histories(data.histories) * 20 + 7,
        rtol=1e-3,
        atol=0.05,
    )


@BOTH
def test_a_rating_far_out_of_scale(model: Rated[Any]) -> None:
    rng = np.random.default_rng(1)
    rows = [(f"u{u}", f"i{i}", float(rng.integers(1, 6)), 0.0) for u in range(9) for i in range(7)]
    learned = fitted(model, dataset([*rows, ("u9", "i0", 1e6, 0.0), ("u9", "i1", 1.0, 0.0)]))
    scores = learned.score(pl.DataFrame({"user_id": ["u3", "u9"], "item_id": ["i1", "i3"]}))
    assert np.isfinite(scores).all()


def test_a_descent_that_does_not_settle_is_an_error() -> None:
    data = ratings(np.random.default_rng(1), 30, 20, 400)
    with pytest.raises(DataError, match="did not settle") as refused:
        SVD(SVDConfig(gamma=1.0, f=50, sigma=5.0)).fit(data)
    assert refused.value.hint is not None


@BOTH
def test_an_interrupted_fit_leaves_nothing_to_save(model: Rated[Any], tmp_path: Any) -> None:
    data = ratings(np.random.default_rng(1), 30, 20, 400)
    learned = fitted(model, data)

    def stop(done: int, total: int, what: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learned.fit(data, progress=stop)
    with pytest.raises(NotFittedError):
        learned.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


@BOTH
def test_the_newest_of_several_ratings_counts(model: Rated[Any]) -> None:
    rows = [("u", "a", 1.0, 0.0), ("u", "b", 2.0, 1.0), ("u", "a", 5.0, 3.0), ("u", "a", 3.0, 2.0)]
    data = dataset(rows)
    found = newest_ratings(data.histories)
    assert found.counts.tolist() == [2]
    assert dict(zip(found.items.tolist(), found.targets.tolist(), strict=True)) == {0: 5.0, 1: 2.0}
    once = dataset([rows[1], rows[2]])
    np.testing.assert_array_equal(
        fitted(model, data).score_histories(data.histories),
        fitted(model, once).score_histories(once.histories),
    )


def test_a_user_is_folded_in_by_ridge_regression() -> None:
    data = ratings(np.random.default_rng(1), 30, 20, 400)
    model = SVD(SVDConfig(f=5, epochs=5, lambda_fold=0.3)).fit(data)
    given, values = [2, 7, 11], np.array([5.0, 1.0, 3.0])
    score = model.score_histories(history(given, 20, values.tolist()))[0]
    trained = data.interactions["value"].to_numpy()
    mean, deviation = trained.mean(), trained.std()
    with_one = np.column_stack((model._factors, np.ones(20))).astype(np.float64)
    a = with_one[given]
    rest = (values - mean) / deviation - model._biases[given]
    x = np.linalg.solve(a.T @ a + 3 * 0.3 * np.eye(6), a.T @ rest)
    expected = mean + deviation * (model._biases + with_one @ x)
    np.testing.assert_allclose(score, expected, atol=1e-4)


def test_both_sides_of_explicit_als_are_at_their_best() -> None:
    data = ratings(np.random.default_rng(1), 40, 30, 600)
    model = ExplicitALS(ExplicitALSConfig(f=3, lambda_=0.1, iterations=200)).fit(data)
    rows = model._standard(newest_ratings(data.histories))
    users, biases = solve_rated(rows, model._factors, model._biases, 0.1)
    items, item_biases = solve_rated(rows.transposed(30), users, biases, 0.1)
    np.testing.assert_allclose(items, model._factors, atol=2e-3)
    np.testing.assert_allclose(item_biases, model._biases, atol=2e-3)

"""iALS against its definition: the loss, dense normal equations, and users folded in."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
import pytest

from palate.data import Dataset, Histories
from palate.errors import DataError, NotFittedError
from palate.models.als import ALS, ALSConfig
from palate.testing.model_files import AnyModel
from palate.testing.models import ModelConformance
from palate.testing.rows import dataset, history
from palate.types import Float64Array

N_USERS, N_ITEMS = 50, 30


class TestALS(ModelConformance):
    model: ClassVar[AnyModel] = ALS(ALSConfig(f=8))


class TestALSExact(ModelConformance):
    model: ClassVar[AnyModel] = ALS(ALSConfig(f=8, solver="cholesky", weights="log"))


class TestALSBlock(ModelConformance):
    model: ClassVar[AnyModel] = ALS(ALSConfig(f=20, solver="block", block=3, weights="value"))


@pytest.fixture(scope="module")
def data() -> Dataset:
    rng = np.random.default_rng(5)
    cells = rng.choice(N_USERS * N_ITEMS, 500, replace=False)
    rows = [
        (f"u{c // N_ITEMS:02d}", f"i{c % N_ITEMS:02d}", float(rng.integers(1, 6)), 0.0)
        for c in cells
    ]
    return dataset(rows)


def confidence(data: Dataset, weights: str) -> Float64Array:
    """(n_users, n_items) c, 0 where nothing was observed."""
    values = data.histories.matrix().toarray().astype(np.float64)
    if weights == "value":
        return values
    return np.log1p(values) if weights == "log" else (values > 0).astype(np.float64)


def ridge(counts: np.ndarray, n_others: int, config: ALSConfig) -> Float64Array:
    found: Float64Array = config.lambda_ * (counts + config.alpha0 * n_others) ** config.nu
    return found


def best_users(c: Float64Array, y: Float64Array, config: ALSConfig) -> Float64Array:
    """The normal equations of every row of c, dense and in double precision."""
    r = ridge((c > 0).sum(axis=1), c.shape[1], config)
    x = np.zeros((len(c), y.shape[1]))
    for u, row in enumerate(c):
        normal = (y.T * (row + config.alpha0)) @ y + r[u] * np.eye(y.shape[1])
        x[u] = np.linalg.solve(normal, row @ y)
    return x


def loss(c: Float64Array, x: Float64Array, y: Float64Array, config: ALSConfig) -> float:
    scores = x @ y.T
    users = ridge((c > 0).sum(axis=1), c.shape[1], config)
    items = ridge((c > 0).sum(axis=0), c.shape[0], config)
    return float(
        (c * (scores - 1) ** 2).sum()
        + config.alpha0 * (scores**2).sum()
        + users @ (x**2).sum(axis=1)
        + items @ (y**2).sum(axis=1)
    )


@pytest.mark.parametrize("f", [3, 16, 21])
@pytest.mark.parametrize("weights", ["binary", "value", "log"])
def test_users_are_folded_in_by_the_normal_equations(data: Dataset, f: int, weights: str) -> None:
    config = ALSConfig.model_validate({"f": f, "weights": weights, "lambda_": 0.05, "nu": 0.7})
    model = ALS(config).fit(data)
    x = best_users(confidence(data, weights), model._items.astype(np.float64), config)
    np.testing.assert_allclose(
        model.score_histories(data.histories), x @ model._items.T, atol=2e-4, rtol=1e-3
    )


@pytest.mark.parametrize("solver", ["cholesky", "cg", "block"])
def test_ends_where_both_sides_are_at_their_best(data: Dataset, solver: str) -> None:
    config = ALSConfig.model_validate(
        {"f": 4, "solver": solver, "iterations": 200, "lambda_": 0.05, "nu": 0.5, "block": 2}
    )
    model = ALS(config).fit(data)
    c, y = confidence(data, "binary"), model._items.astype(np.float64)
    x = best_users(c, y, config)
    np.testing.assert_allclose(best_users(c.T, x, config), y, atol=3e-3)


def test_every_sweep_lowers_the_loss(data: Dataset) -> None:
    c = confidence(data, "binary")
    losses = []
    for iterations in (1, 2, 4, 8, 16):
        config = ALSConfig(f=6, iterations=iterations, solver="cholesky")
        y = ALS(config).fit(data)._items.astype(np.float64)
        losses.append(loss(c, best_users(c, y, config), y, config))
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.95 * losses[0]


def test_the_solvers_agree(data: Dataset) -> None:
    found = [
        ALS(
            ALSConfig.model_validate({"f": 4, "iterations": 200, "solver": solver, "lambda_": 0.05})
        )
        .fit(data)
        .score_histories(data.histories)
        for solver in ("cholesky", "cg", "block")
    ]
    np.testing.assert_allclose(found[1], found[0], atol=0.02)
    np.testing.assert_allclose(found[2], found[0], atol=0.02)


def test_what_the_items_say_adds_up_to_the_score(data: Dataset) -> None:
    model = ALS(ALSConfig(f=6, weights="log")).fit(data)
    seen = history([3, 8, 8, 20], N_ITEMS, [1.0, 2.0, 1.0, 5.0])
    added = model._contributions(seen, 11)
    assert added[2] == 0  # a repeat is counted with the first
    assert added.sum() == pytest.approx(float(model.score_histories(seen)[0, 11]), abs=1e-5)


def test_an_item_nobody_touched_has_no_factors(data: Dataset) -> None:
    items = pl.DataFrame({"item_id": [*data.item_vocabulary.ids, "new"]})
    model = ALS(ALSConfig(f=6)).fit(Dataset.from_frames(data.interactions, items=items))
    assert (model._items[N_ITEMS] == 0).all()
    assert model.similar_rows(np.array([N_ITEMS], np.int32), 3).items.tolist() == [[-1, -1, -1]]


def test_a_user_without_history_is_at_the_origin(data: Dataset) -> None:
    model = ALS(ALSConfig(f=6)).fit(data)
    assert (model.score_histories(Histories.empty(2, N_ITEMS)) == 0).all()


def test_dislikes_do_not_count(data: Dataset) -> None:
    model = ALS(ALSConfig(f=6)).fit(data)
    liked = model.score_histories(history([3, 8], N_ITEMS))
    mixed = model.score_histories(history([3, 5, 8], N_ITEMS, [1.0, -1.0, 1.0]))
    np.testing.assert_array_equal(mixed, liked)


def test_only_dislikes_are_refused() -> None:
    with pytest.raises(DataError, match="no value is above 0") as refused:
        ALS().fit(dataset([("u", "a", -1.0, 0.0), ("v", "b", -1.0, 0.0)]))
    assert refused.value.hint is not None
    assert "explicit_als" in refused.value.hint


@pytest.mark.parametrize("solver", ["cholesky", "cg", "block"])
def test_weights_beyond_all_bounds_are_refused_or_borne(solver: str) -> None:
    rows = [(f"u{u}", f"i{i}", 3e38, 0.0) for u in range(5) for i in range(5) if u != i]
    config = ALSConfig.model_validate({"f": 4, "weights": "value", "solver": solver})
    data = dataset(rows)
    if solver == "block":  # sums weights, which the others' rows of few entries invert
        with pytest.raises(DataError, match="single precision"):
            ALS(config).fit(data)
        return
    scores = ALS(config).fit(data).score_histories(data.histories)
    assert np.isfinite(scores).all()


def test_an_interrupted_fit_leaves_nothing_to_save(data: Dataset, tmp_path: Path) -> None:
    def stop(done: int, total: int, what: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    model = ALS(ALSConfig(f=4))
    with pytest.raises(KeyboardInterrupt):
        model.fit(data, progress=stop)
    with pytest.raises(NotFittedError):
        model.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


class TestPartialFit:
    """Two groups of items, and a bridge that only the new users know."""

    @staticmethod
    def rows(first: int, last: int, items: list[int]) -> list[tuple[str, str, float, float]]:
        return [(f"u{u:02d}", f"i{i:02d}", 1.0, 0.0) for u in range(first, last) for i in items]

    def parts(self) -> tuple[Dataset, Dataset]:
        low, high = list(range(8)), list(range(8, 16))
        old = self.rows(0, 20, low) + self.rows(20, 40, high)
        new = self.rows(40, 70, [*low, 15])
        whole = dataset(old + new)
        is_new = whole.interactions["user_id"] >= "u40"
        return (
            whole.with_interactions(whole.interactions.filter(~is_new)),
            whole.with_interactions(whole.interactions.filter(is_new)),
        )

    def test_new_users_move_the_items_they_touch(self) -> None:
        old, new = self.parts()
        model = ALS(ALSConfig(f=4)).fit(old)
        low = history(list(range(8)), 16)
        before = model.score_histories(low)[0]
        model.partial_fit(new)
        after = model.score_histories(low)[0]
        assert after[15] > before[15] + 0.2  # like the others of the first group now
        np.testing.assert_allclose(after[8:15], before[8:15], atol=0.1)  # as strange as before

    def test_comes_near_a_fit_of_everything(self) -> None:
        old, new = self.parts()
        model = ALS(ALSConfig(f=4)).fit(old).partial_fit(new)
        everything = old.with_interactions(pl.concat([old.interactions, new.interactions]))
        whole = ALS(ALSConfig(f=4)).fit(everything)
        seen = history([0, 1, 2], 16)
        ours, theirs = model.score_histories(seen)[0], whole.score_histories(seen)[0]
        assert np.corrcoef(ours, theirs)[0, 1] > 0.95
        np.testing.assert_array_equal(model.popularity, whole.popularity)
        assert model._n_users == whole._n_users
        ratio = np.trace(model._users_gram) / np.trace(whole._users_gram)
        assert 0.5 < ratio < 2.0

    def test_nothing_new_changes_nothing(self) -> None:
        old, new = self.parts()
        model = ALS(ALSConfig(f=4)).fit(old)
        seen = history([0, 9], 16)
        before = model.score_histories(seen)
        model.partial_fit(new.with_interactions(new.interactions.clear()))
        np.testing.assert_allclose(model.score_histories(seen), before, atol=1e-5)

    def test_one_item_by_the_formula(self) -> None:
        """The new normal equations, dense and in double precision, from what training kept."""
        old, new = self.parts()
        config = ALSConfig(f=4, nu=0.5, lambda_=0.05)
        model = ALS(config).fit(old)
        item, upper = 3, model._users_gram.astype(np.float64)
        gram = np.triu(upper) + np.triu(upper, 1).T
        y, n, n_users = model._items[item].astype(np.float64), model.popularity[item], 40
        x = model._fold_in(new.histories).astype(np.float64)  # (70, 16), 0 for the old users
        z = x[x.any(axis=1)]  # all of them touched the item
        was, now = (
            config.lambda_ * (m + config.alpha0 * u) ** config.nu
            for m, u in ((n, n_users), (n + len(z), n_users + len(z)))
        )
        moved = (config.alpha0 + 1) * z.T @ z + (now - was) * np.eye(16)
        normal = (config.alpha0 + n / n_users) * gram + was * np.eye(16) + moved
        expected = y + np.linalg.solve(normal, z.sum(axis=0) - moved @ y)
        still = model._items[12].astype(np.float64)  # nobody new touched it
        model.partial_fit(new)
        after = model._items.astype(np.float64)  # turned to new axes: inner products stay
        assert after[item] @ after[item] == pytest.approx(expected @ expected, rel=1e-4)
        assert after[item] @ after[12] == pytest.approx(expected @ still, abs=1e-4)

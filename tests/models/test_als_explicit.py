"""Explicit ALS that learns further: new ratings move items, and little else."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from palate.data import Dataset
from palate.errors import DataError
from palate.models.als_explicit import ExplicitALS, ExplicitALSConfig
from palate.testing.rows import dataset, history

CONFIG = ExplicitALSConfig(f=3, lambda_=0.05)
N_ITEMS = 16


def liked(user: int, item: int) -> float:
    """Even users like the first half, odd ones the second."""
    return 5.0 if (user % 2 == 0) == (item < N_ITEMS // 2) else 1.0


def parts() -> tuple[Dataset, Dataset]:
    """40 users who rate 12 of the items, and 30 who come later; nobody old rated the last one."""
    rows = [
        (f"u{u:02d}", f"i{i:02d}", liked(u, i), 0.0)
        for u in range(70)
        for i in range(N_ITEMS)
        if (u + i) % 4 and (u >= 40 or i < N_ITEMS - 1)
    ]
    whole = dataset(rows)
    new = whole.interactions["user_id"] >= "u40"
    old = whole.with_interactions(whole.interactions.filter(~new))
    return old, whole.with_interactions(whole.interactions.filter(new))


def rmse(model: ExplicitALS, data: Dataset) -> float:
    found = model.with_histories(data).score(data.interactions)
    return float(np.sqrt(np.mean((found - data.interactions["value"].to_numpy()) ** 2)))


def test_an_item_that_nobody_had_rated_is_learned() -> None:
    old, new = parts()
    model = ExplicitALS(CONFIG).fit(old)
    even, odd = (history([0, 12], N_ITEMS, values) for values in ([5.0, 1.0], [1.0, 5.0]))
    before = [float(model.score_histories(user)[0, 15]) for user in (even, odd)]
    assert before[0] == pytest.approx(before[1], abs=0.5)  # nothing was known of it
    model.partial_fit(new)
    after = [float(model.score_histories(user)[0, 15]) for user in (even, odd)]
    assert after[1] - after[0] > 1.5


def test_comes_near_a_fit_of_everything() -> None:
    old, new = parts()
    model = ExplicitALS(CONFIG).fit(old)
    unlearned = rmse(model, new)
    model.partial_fit(new)
    everything = old.with_interactions(pl.concat([old.interactions, new.interactions]))
    whole = ExplicitALS(CONFIG).fit(everything)
    assert rmse(model, new) < 0.6 * unlearned
    assert rmse(model, new) < rmse(whole, new) + 0.1
    np.testing.assert_array_equal(model.popularity, whole.popularity)
    assert model._n_ratings == whole._n_ratings == len(everything)


def test_one_item_by_the_formula() -> None:
    """The new normal equations, dense and in double precision, from what training kept."""
    old, new = parts()
    model = ExplicitALS(CONFIG).fit(old)
    f, lambda_ = CONFIG.f, CONFIG.lambda_
    upper = model._ratings_gram[: f + 1, : f + 1].astype(np.float64)
    gram = np.triu(upper) + np.triu(upper, 1).T
    item = 4
    n = float(model.popularity[item])
    y = np.append(model._factors[item], model._biases[item]).astype(np.float64)
    mean, deviation = model._scale
    z, residuals = [], []
    for items, values in _histories(new):
        if item not in items:
            continue
        a = np.column_stack((model._factors[items], np.ones(len(items)))).astype(np.float64)
        wanted = (values - mean) / deviation - model._biases[items]
        user = np.linalg.solve(a.T @ a + lambda_ * len(items) * np.eye(f + 1), a.T @ wanted)
        one = np.append(user[:f], 1.0)
        z.append(one)
        rating = (values[items == item][0] - mean) / deviation
        residuals.append(rating - user[f] - one @ y)
    zs, m = np.array(z), len(z)
    normal = n / model._n_ratings * gram + lambda_ * (n + m) * np.eye(f + 1) + zs.T @ zs
    expected = y + np.linalg.solve(normal, zs.T @ np.array(residuals) - lambda_ * m * y)
    model.partial_fit(new)
    found = np.append(model._factors[item], model._biases[item])
    np.testing.assert_allclose(found, expected, atol=1e-4)


def _histories(data: Dataset) -> list[tuple[np.ndarray, np.ndarray]]:
    """Items and values of each user who has any."""
    h = data.histories
    ends = list(zip(h.indptr[:-1], h.indptr[1:], strict=True))
    return [(h.items[a:b], h.values[a:b].astype(np.float64)) for a, b in ends if b > a]


def test_nothing_new_changes_nothing() -> None:
    old, new = parts()
    model = ExplicitALS(CONFIG).fit(old)
    seen = history([0, 9], N_ITEMS, [5.0, 2.0])
    before = model.score_histories(seen)
    model.partial_fit(new.with_interactions(new.interactions.clear()))
    np.testing.assert_allclose(model.score_histories(seen), before, atol=1e-6)


def test_other_items_are_refused() -> None:
    old, _ = parts()
    with pytest.raises(DataError, match="items are not those") as refused:
        ExplicitALS(CONFIG).fit(old).partial_fit(dataset([("u", "elsewhere", 3.0, 0.0)]))
    assert refused.value.hint == "fit it again"

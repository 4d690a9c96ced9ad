"""FM against its formula written out, its gradient, and the laws of click models."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest

from palate.errors import ConfigError, DataError, UnsupportedError
from palate.features.columns import ColumnSpec
from palate.metrics.log_loss import log_loss
from palate.models.fm import FM, FMConfig
from palate.models.kernels.fm import fm_epoch, fm_scores
from palate.testing.click_models import CLICK_COLUMNS, ClickModelConformance, click_board
from palate.types import AttributeKind

ROWS = (
    np.array([0, 3, 3, 5], np.int64),
    np.array([0, 2, 3, 1, 4], np.int32),
    np.array([1.0, 0.5, -2.0, 1.0, 3.0], np.float32),
)


class TestFM(ClickModelConformance):
    model = FM(CLICK_COLUMNS, FMConfig(k=4, eta=0.2))


class TestLogisticRegression(ClickModelConformance):
    model = FM(CLICK_COLUMNS, FMConfig(k=0))
    pairs = False


class TestFMRatings(ClickModelConformance):
    model = FM(CLICK_COLUMNS, FMConfig(k=4, eta=0.2, task="rating"))


class TestFMWithoutValidation(ClickModelConformance):
    model = FM(CLICK_COLUMNS, FMConfig(k=4, eta=0.2, validation=0.0, epochs=20))


def parameters(k: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    w = rng.normal(size=5).astype(np.float32)
    return np.array([0.25]), w, rng.normal(size=(5, k)).astype(np.float32)


def written_out(row: int, bias: np.ndarray, w: np.ndarray, v: np.ndarray) -> float:
    """Rendle's equation 1, pair by pair."""
    indptr, indices, weights = ROWS
    entries = range(indptr[row], indptr[row + 1])
    y = bias[0] + sum(float(w[indices[e]] * weights[e]) for e in entries)
    for a, b in combinations(entries, 2):
        y += float(v[indices[a]] @ v[indices[b]]) * float(weights[a] * weights[b])
    return float(y)


@pytest.mark.parametrize("k", [0, 1, 3])
def test_scores_are_the_sum_over_all_pairs(k: int) -> None:
    bias, w, v = parameters(k)
    out = np.empty(3)
    fm_scores(ROWS, bias[0], w, v, out)
    np.testing.assert_allclose(out, [written_out(r, bias, w, v) for r in range(3)], rtol=1e-5)
    assert out[1] == bias[0]  # a row without entries


@pytest.mark.parametrize("click", [True, False])
def test_one_step_goes_down_the_gradient(click: bool) -> None:
    """The first AdaGrad step is eta g / sqrt(1 + g^2); g is compared with a difference quotient."""
    bias, w, v = parameters()
    targets = np.array([1.0, 0.0, 0.0], np.float32)

    def loss(bias: np.ndarray, w: np.ndarray, v: np.ndarray) -> float:
        y = written_out(0, bias, w, v)
        return float(np.logaddexp(0, y) - y) if click else (y - 1.0) ** 2 / 2

    before = [a.astype(np.float64) for a in (bias, w, v)]
    squares = (np.ones(1), np.ones(5, np.float32), np.ones((5, 3), np.float32))
    rates = (np.float32(0.1), np.float32(0), np.float32(0))
    fm_epoch(np.array([0]), ROWS, targets, bias, w, v, squares, rates, click)
    for which, after in enumerate((bias, w, v)):
        for at in np.ndindex(after.shape):
            ends = []
            for h in (1e-5, -1e-5):
                moved = [a.copy() for a in before]
                moved[which][at] += h
                ends.append(loss(*moved))
            g = (ends[0] - ends[1]) / 2e-5
            step = before[which][at] - after[at]
            assert step == pytest.approx(0.1 * g / np.sqrt(1 + g * g), abs=2e-4)


def test_a_pair_never_seen_together_is_answered_from_its_parts() -> None:
    """Users a and b like the same things; only a was shown the last one."""
    rows = [
        (user, item, int((item in "xyz") == (user in "ab")))
        for user in "abcd"
        for item in "xyzpq"
        if (user, item) != ("b", "z")
    ] * 20
    table = pl.DataFrame(rows, schema=["user", "item", "click"], orient="row")
    columns = [ColumnSpec(name=n, kind=AttributeKind.CATEGORY) for n in ("user", "item")]
    model = FM(columns, FMConfig(k=4, eta=0.2, validation=0, epochs=40)).fit(table, "click")
    asked = pl.DataFrame({"user": ["b", "b"], "item": ["z", "p"]})
    wanted, unwanted = model.predict(asked)
    assert wanted > 0.8 > 0.2 > unwanted


def test_unseen_values_add_nothing() -> None:
    columns = [ColumnSpec(name="kind", kind=AttributeKind.CATEGORY)]
    model = FM(columns, FMConfig(validation=0, epochs=5)).fit(click_board(), "click")
    unseen, missing = model.predict(pl.DataFrame({"kind": ["new", None]}))
    assert unseen == missing
    assert unseen == pytest.approx(0.5, abs=0.1)  # the bias alone


def test_rare_values_teach_what_unseen_ones_get() -> None:
    """Values met once are never clicked; with min_count they share the unseen value's row."""
    n = 200
    table = pl.DataFrame(
        {
            "id": ["common"] * n + [f"rare {i}" for i in range(n)],
            "click": [1, 1, 1, 0] * (n // 4) + [0] * n,
        }
    )
    columns = [ColumnSpec(name="id", kind=AttributeKind.CATEGORY, min_count=2)]
    model = FM(columns, FMConfig(validation=0, epochs=20, eta=0.3)).fit(table, "click")
    assert model.predict(pl.DataFrame({"id": ["never seen"]}))[0] < 0.05


def test_probabilities_are_calibrated() -> None:
    table, fresh = click_board(4000), click_board(4000, seed=3)
    model = FM(CLICK_COLUMNS[:2], FMConfig(k=4, eta=0.2)).fit(table, "click")
    found = model.predict(fresh)
    assert log_loss(fresh["click"], found) < 0.35  # the best there is: H(0.1) = 0.325
    for low, high in ((0.0, 0.5), (0.5, 1.0)):
        some = (found >= low) & (found < high)
        rate = fresh["click"].to_numpy()[some].mean()
        assert found[some].mean() == pytest.approx(rate, abs=0.03)


def test_ratings_stay_within_those_of_training() -> None:
    table = pl.DataFrame({"x": [0.0, 1.0, 2.0, 3.0] * 50, "y": [1.0, 2.0, 3.0, 4.0] * 50})
    columns = [ColumnSpec(name="x", kind=AttributeKind.NUMBER)]
    config = FMConfig(task="rating", validation=0, epochs=100, eta=0.3)
    model = FM(columns, config).fit(table, "y")
    found = model.predict(pl.DataFrame({"x": [-9.0, 1.0, 9.0]}))
    np.testing.assert_allclose(found, [1.0, 2.0, 4.0], atol=0.15)


def test_ratings_all_equal() -> None:
    table = click_board().with_columns(rating=pl.lit(3.0))
    model = FM(CLICK_COLUMNS, FMConfig(task="rating")).fit(table, "rating")
    np.testing.assert_array_equal(model.predict(table), 3.0)


def test_validation_stops_before_it_learns_noise_by_heart() -> None:
    rng = np.random.default_rng(0)
    table = pl.DataFrame(
        {
            "a": rng.integers(0, 100, 2000).astype(str),
            "b": rng.integers(0, 100, 2000).astype(str),
            "click": rng.integers(0, 2, 2000),
        }
    )
    columns = [ColumnSpec(name=n, kind=AttributeKind.CATEGORY) for n in "ab"]
    hasty = FMConfig(k=8, eta=0.3, lambda_v=0, validation=0, epochs=60)
    careful = FMConfig(k=8, eta=0.3, lambda_v=0, epochs=60)
    losses = []
    for config in (hasty, careful):
        model = FM(columns, config).fit(table, "click")
        fresh = table.with_columns(click=pl.Series(rng.integers(0, 2, 2000)))
        losses.append(log_loss(fresh["click"], model.predict(fresh)))
    assert losses[1] < losses[0]


def test_a_step_too_long_is_said() -> None:
    columns = [
        ColumnSpec(name=n, kind=AttributeKind.NUMBER, scale="linear") for n in ("price", "x")
    ]
    table = click_board().with_columns(
        x=pl.col("price") ** 3, rating=pl.col("price").fill_nan(0) * 1e30
    )
    config = FMConfig(task="rating", eta=1e30, validation=0)
    with pytest.raises(DataError, match="diverged"):
        FM(columns, config).fit(table, "rating")


def test_what_it_cannot_do() -> None:
    with pytest.raises(ConfigError, match="rank"):
        FM(CLICK_COLUMNS, FMConfig(task="rank", group="shelf"))
    with pytest.raises(ConfigError, match="go together"):
        FM(CLICK_COLUMNS, FMConfig(group="shelf"))
    with pytest.raises(UnsupportedError, match="boosted"):
        FM(CLICK_COLUMNS).fit(click_board(), "click").importances()


def test_too_few_rows_for_a_validation_part() -> None:
    with pytest.raises(DataError, match="validation = 0"):
        FM(CLICK_COLUMNS).fit(click_board().head(3), "click")


@pytest.mark.parametrize("task", ["click", "rating"])
def test_all_kinds_of_columns_together(task: str) -> None:
    """Hashed and counted ids, several values, numbers on both scales, and a time's hour."""
    category, number = AttributeKind.CATEGORY, AttributeKind.NUMBER
    board = click_board().with_columns(
        user=pl.int_range(pl.len()) % 37, at=pl.int_range(pl.len()) * 3_600_000_000
    )
    board = board.with_columns(at=pl.col("at").cast(pl.Datetime("us")))
    columns = [
        ColumnSpec(name="user", kind=category, side="user", ids="hashed", buckets=16),
        *CLICK_COLUMNS[:2],
        ColumnSpec(name="tags", kind=AttributeKind.CATEGORIES, pool="root"),
        ColumnSpec(name="price", kind=number, scale="log", bins=8),
        ColumnSpec(name="plain", kind=number, source="price"),
        ColumnSpec(name="hour", kind=AttributeKind.TIME, source="at", part="hour"),
    ]
    config = FMConfig.model_validate({"k": 4, "eta": 0.2, "task": task})
    model = FM(columns, config).fit(board, "click" if task == "click" else "rating")
    liked = board["click"].to_numpy() == 1
    found = model.predict(board)
    assert found[liked].mean() > found[~liked].mean() + 0.4
    stranger = board.with_columns(user=pl.lit(999), at=pl.lit(None, pl.Datetime("us")))
    assert np.isfinite(model.predict(stranger)).all()

"""Random forest over columns: the laws of click models, and scikit-learn's own answers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from palate.errors import MissingExtraError
from palate.models import forest
from palate.models.forest import Forest, ForestConfig
from palate.models.tree_table import TreeTable
from palate.testing.click_models import CLICK_COLUMNS, ClickModelConformance, click_board

ensemble = pytest.importorskip(
    "sklearn.ensemble", reason="the extra palate[trees] is not installed"
)
SMALL = {"trees": 12, "min_data_in_leaf": 5, "column_share": 0.6}


class TestForest(ClickModelConformance):
    model = Forest(CLICK_COLUMNS, ForestConfig(**SMALL))


class TestForestRatings(ClickModelConformance):
    model = Forest(CLICK_COLUMNS, ForestConfig(**SMALL, task="rating", max_depth=6))


@pytest.mark.parametrize("task", ["click", "rating"])
def test_arrays_answer_as_scikit_learn_does(task: str) -> None:
    table, fresh = click_board(), click_board(300, seed=5)
    config = ForestConfig.model_validate({**SMALL, "task": task})
    label = "click" if task == "click" else "rating"
    model = Forest(CLICK_COLUMNS, config).fit(table, label)
    layout = TreeTable.of(model.columns, max_values=config.max_values)
    maker = ensemble.RandomForestClassifier if task == "click" else ensemble.RandomForestRegressor
    theirs = maker(
        n_estimators=12, min_samples_leaf=5, max_features=0.6, random_state=config.seed
    ).fit(layout.matrix(model.columns.encode(table)), table[label].to_numpy())
    matrix = layout.matrix(model.columns.encode(fresh))
    expected = theirs.predict_proba(matrix)[:, 1] if task == "click" else theirs.predict(matrix)
    assert np.isnan(matrix).any()  # missing prices take scikit-learn's way too
    np.testing.assert_allclose(model.predict(fresh), expected, atol=1e-12)


def test_a_loaded_forest_needs_no_scikit_learn(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path)) / "model"
    table = click_board()
    fitted = Forest(CLICK_COLUMNS, ForestConfig(**SMALL)).fit(table, "click")
    fitted.save(folder)

    def refused(module: str, *, extra: str) -> None:
        raise AssertionError(f"{module} of {extra} was imported")

    monkeypatch.setattr(forest, "require", refused)
    loaded = Forest.load(folder)
    np.testing.assert_array_equal(loaded.predict(table), fitted.predict(table))


def test_parts_are_answered_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    table = click_board()
    model = Forest(CLICK_COLUMNS, ForestConfig(**SMALL)).fit(table, "click")
    whole = model.predict(table)
    monkeypatch.setattr(forest, "ROWS", 7)
    np.testing.assert_array_equal(model.predict(table), whole)


def test_ratings_all_equal() -> None:
    table = click_board().with_columns(rating=pl.lit(3.0))
    model = Forest(CLICK_COLUMNS, ForestConfig(**SMALL, task="rating")).fit(table, "rating")
    np.testing.assert_array_equal(model.predict(table), 3.0)
    assert model.importances()["share"].sum() == 0.0  # nothing was split


def test_without_the_extra_the_command_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str, *, extra: str) -> None:
        raise MissingExtraError(f"no {module}", hint=f"pip install 'palate[{extra}]'")

    monkeypatch.setattr(forest, "require", missing)
    with pytest.raises(MissingExtraError, match=r"palate\[trees\]"):
        Forest(CLICK_COLUMNS).fit(click_board(), "click")

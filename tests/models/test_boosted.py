"""LightGBM over columns: the laws of click models, ranking, files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from palate.errors import BundleError, DataError, MissingExtraError
from palate.features.columns import ColumnSpec
from palate.models import boosted
from palate.models.boosted import Boosted, BoostedConfig
from palate.testing.click_models import CLICK_COLUMNS, ClickModelConformance, click_board
from palate.types import AttributeKind

lightgbm = pytest.importorskip("lightgbm", reason="the extra palate[trees] is not installed")
SMALL = {"rounds": 60, "patience": 10, "min_data_in_leaf": 10, "eta": 0.2}


class TestBoosted(ClickModelConformance):
    model = Boosted(CLICK_COLUMNS, BoostedConfig(**SMALL))


class TestBoostedRatings(ClickModelConformance):
    model = Boosted(
        CLICK_COLUMNS, BoostedConfig(**SMALL, task="rating", validation=0.2, refit=False)
    )

    def test_one_finite_number_a_row(self, board: pl.DataFrame, fitted: Boosted) -> None:  # type: ignore[override]
        found = fitted.predict(board)  # trees that correct each other may pass the ends
        assert np.isfinite(found).all()
        assert abs(found - 3.0).max() < 1.5


class TestBoostedRanking(ClickModelConformance):
    model = Boosted(
        CLICK_COLUMNS, BoostedConfig(**SMALL, task="rank", group="shelf", validation=0.3)
    )


def test_ranking_orders_within_groups_whatever_their_levels() -> None:
    """Grades follow x within a group; each group has an offset in `level` that says nothing."""
    rng = np.random.default_rng(0)
    n = 800
    x = rng.random(n)
    group = rng.integers(0, 80, n)
    frame = pl.DataFrame({"x": x, "level": group % 7, "g": group, "grade": (x * 4).astype(int)})
    columns = [ColumnSpec(name=name, kind=AttributeKind.NUMBER) for name in ("x", "level")]
    model = Boosted(columns, BoostedConfig(**SMALL, task="rank", group="g")).fit(frame, "grade")
    found = model.predict(pl.DataFrame({"x": [0.1, 0.4, 0.6, 0.9], "level": [3, 3, 3, 3]}))
    assert (np.diff(found) > 0).all()
    assert model.importances()["column"][0] == "x"


def test_groups_may_lie_scattered() -> None:
    frame = click_board()
    whole = {"bagging_fraction": 1.0, "feature_fraction": 1.0}  # what is drawn goes by place
    config = BoostedConfig(**SMALL, **whole, task="rank", group="shelf", validation=0)
    ordered = Boosted(CLICK_COLUMNS, config).fit(frame.sort("shelf", maintain_order=True), "click")
    scattered = Boosted(CLICK_COLUMNS, config).fit(frame, "click")
    np.testing.assert_allclose(scattered.predict(frame), ordered.predict(frame), atol=1e-6)


def test_ranking_needs_its_group() -> None:
    config = BoostedConfig.model_validate({**SMALL, "task": "rank", "group": "nowhere"})
    with pytest.raises(DataError, match="nowhere"):
        Boosted(CLICK_COLUMNS, config).fit(click_board(), "click")


def test_the_file_is_lightgbms_own_text(tmp_path: Path) -> None:
    model = Boosted(CLICK_COLUMNS, BoostedConfig(**SMALL)).fit(click_board(), "click")
    model.save(tmp_path / "model")
    text = (tmp_path / "model" / "booster.txt").read_text()
    assert text.startswith("tree\nversion=")
    assert lightgbm.Booster(model_str=text).num_feature() == 8  # taste, kind, 5 for tags, price


def test_a_text_that_is_no_model_is_refused() -> None:
    model = Boosted(CLICK_COLUMNS, BoostedConfig(**SMALL)).fit(click_board(), "click")
    with pytest.raises(BundleError, match=r"booster\.txt"):
        model._restore(model.columns, {"booster.txt": b"nothing of the kind"})


def test_many_values_are_split_by_frequency() -> None:
    """An id with more values than `max_categories` is still read, as an order by frequency."""
    rng = np.random.default_rng(0)
    common = rng.random(3000) < 0.5
    ids = np.where(common, "hit", rng.integers(0, 500, 3000).astype(str))
    frame = pl.DataFrame({"id": ids, "click": common.astype(int)})
    columns = [ColumnSpec(name="id", kind=AttributeKind.CATEGORY)]
    model = Boosted(columns, BoostedConfig(**SMALL, max_categories=8)).fit(frame, "click")
    hit, other = model.predict(pl.DataFrame({"id": ["hit", "7"]}))
    assert hit > 0.9 > 0.1 > other


def test_without_the_extra_the_command_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str, *, extra: str) -> None:
        raise MissingExtraError(f"no {module}", hint=f"pip install 'palate[{extra}]'")

    monkeypatch.setattr(boosted, "require", missing)
    with pytest.raises(MissingExtraError, match=r"palate\[trees\]"):
        Boosted(CLICK_COLUMNS).fit(click_board(), "click")

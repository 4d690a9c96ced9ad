"""What every click model passes: inherit, and set `model`."""

# ruff: noqa: D102 (the names of the tests say it)

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, ClassVar, Final, TypeAlias

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from palate.errors import BundleError, DataError, NotFittedError, UnsupportedError
from palate.features.columns import ColumnSpec
from palate.metrics.auc import auc
from palate.models.click import ClickModel
from palate.types import AttributeKind

__all__ = ["CLICK_COLUMNS", "AnyClickModel", "ClickModelConformance", "click_board"]

AnyClickModel: TypeAlias = ClickModel[Any]
KINDS: Final = ("even", "odd")
CLICK_COLUMNS: Final = (
    ColumnSpec(name="taste", kind=AttributeKind.CATEGORY, side="user"),
    ColumnSpec(name="kind", kind=AttributeKind.CATEGORY, side="item"),
    ColumnSpec(name="tags", kind=AttributeKind.CATEGORIES, side="item"),
    ColumnSpec(name="price", kind=AttributeKind.NUMBER, scale="log", side="item"),
)


def click_board(n: int = 600, *, seed: int = 0) -> pl.DataFrame:
    """Rows whose right answer is obvious: people click what is of their kind and is cheap.

    taste and kind are `even` or `odd`; a row is clicked where they are equal, but for one in
    ten, and where they differ by one in ten. `tags` repeats the kind; `price` is noise, and
    one in twenty is missing. `rating` is 4 where clicked, else 2, and `shelf` is a group.
    """
    rng = np.random.default_rng(seed)
    taste, kind = rng.integers(0, 2, (2, n))
    clicked = (taste == kind) ^ (rng.random(n) < 0.1)
    price = np.where(rng.random(n) < 0.05, np.nan, rng.lognormal(3, 1, n))
    return pl.DataFrame(
        {
            "taste": [KINDS[t] for t in taste],
            "kind": [KINDS[k] for k in kind],
            "tags": [[KINDS[k], "all"] for k in kind],
            "price": price,
            "click": clicked.astype(np.int64),
            "rating": np.where(clicked, 4.0, 2.0),
            "shelf": rng.integers(0, n // 10, n),
        }
    )


class ClickModelConformance:
    """The laws of `ClickModel`, test by test.

        class TestMine(ClickModelConformance):
            model = Mine(CLICK_COLUMNS)

    Attributes:
        model: Unfitted, over `CLICK_COLUMNS`; its class and config are what is tested.
        pairs: Whether it can learn what two columns say only together.
    """

    model: ClassVar[AnyClickModel]
    pairs: ClassVar[bool] = True
    once: ClassVar[AnyClickModel]  # fitted by the first test that asks for it

    def make(self) -> AnyClickModel:
        """A new model of the same columns and config."""
        return type(self.model)(self.model.specs, self.model.config)

    @property
    def label(self) -> str:
        return "rating" if self.model.config.task == "rating" else "click"

    @pytest.fixture
    def board(self) -> pl.DataFrame:
        return click_board()

    @pytest.fixture
    def fitted(self, board: pl.DataFrame) -> AnyClickModel:
        """A copy of a model that is fitted once for all tests of a class."""
        own = vars(type(self))
        if "once" not in own:
            type(self).once = self.make().fit(board, self.label)
        return copy.copy(type(self).once)

    # ------------------------------------------------------------------ answers

    def test_tells_clicks_from_others(self, fitted: AnyClickModel) -> None:
        fresh = click_board(seed=1)
        found = auc(fresh["click"], fitted.predict(fresh))
        if self.pairs:
            assert found > 0.85
        else:
            assert 0.4 < found < 0.6  # each column alone says nothing

    def test_one_finite_number_a_row(self, board: pl.DataFrame, fitted: AnyClickModel) -> None:
        found = fitted.predict(board)
        assert found.shape == (board.height,)
        assert found.dtype == np.float64
        assert np.isfinite(found).all()
        if self.model.config.task == "click":
            assert ((found >= 0) & (found <= 1)).all()
        if self.model.config.task == "rating":
            assert ((found >= 2) & (found <= 4)).all()

    def test_a_row_alone_is_answered_as_in_a_batch(
        self, board: pl.DataFrame, fitted: AnyClickModel
    ) -> None:
        batch = fitted.predict(board)
        for row in range(20):
            alone = fitted.predict(board[row])
            np.testing.assert_array_equal(alone, batch[row : row + 1])

    def test_no_rows(self, board: pl.DataFrame, fitted: AnyClickModel) -> None:
        assert fitted.predict(board.clear()).shape == (0,)

    def test_pandas_is_read_as_polars_is(self, board: pl.DataFrame, fitted: AnyClickModel) -> None:
        np.testing.assert_array_equal(fitted.predict(board.to_pandas()), fitted.predict(board))

    def test_values_unseen_and_missing(self, fitted: AnyClickModel) -> None:
        rows = pl.DataFrame(
            {
                "taste": ["neither", None, "even"],
                "kind": ["neither", None, None],
                "tags": [["new"], None, []],
                "price": [1e12, None, float("nan")],
            },
            schema_overrides={"tags": pl.List(pl.String)},
        )
        assert np.isfinite(fitted.predict(rows)).all()

    def test_columns_that_it_does_not_read_change_nothing(
        self, board: pl.DataFrame, fitted: AnyClickModel
    ) -> None:
        other = board.with_columns(click=1 - pl.col("click"), new=pl.lit("x"))
        np.testing.assert_array_equal(fitted.predict(other), fitted.predict(board))

    def test_importances(self, fitted: AnyClickModel) -> None:
        try:
            frame = fitted.importances()
        except UnsupportedError:
            return
        assert set(frame["column"]) == {spec.name for spec in CLICK_COLUMNS}
        assert frame["share"].sum() == pytest.approx(1.0)
        assert frame["share"].is_sorted(descending=True)
        shares = dict(frame.iter_rows())
        assert shares["taste"] > shares["price"]

    # ------------------------------------------------------------------ fit

    def test_fits_the_same_twice(self, board: pl.DataFrame, fitted: AnyClickModel) -> None:
        again = self.make().fit(board, self.label)
        np.testing.assert_array_equal(again.predict(board), fitted.predict(board))

    def test_a_given_validation_part(self, board: pl.DataFrame) -> None:
        model = self.make().fit(board, self.label, validation=click_board(200, seed=2))
        assert np.isfinite(model.predict(board)).all()

    def test_progress_is_called(self, board: pl.DataFrame) -> None:
        calls: list[tuple[int, int, str]] = []
        self.make().fit(board, self.label, progress=lambda *call: calls.append(call))
        assert calls
        assert all(0 < done <= total for done, total, _ in calls)

    def test_labels_of_one_class_are_refused_for_clicks(self, board: pl.DataFrame) -> None:
        """Only clicks have two classes: ratings and ranks that are all equal are fitted."""
        for label in (0, 1):
            equal = board.with_columns(click=pl.lit(label))
            if self.model.config.task == "click":
                with pytest.raises(DataError, match="nothing to tell apart"):
                    self.make().fit(equal, "click")
            else:
                assert np.isfinite(self.make().fit(equal, "click").predict(equal)).all()

    @pytest.mark.parametrize("bad", [float("nan"), float("inf"), None])
    def test_labels_that_are_no_numbers_are_refused(
        self, board: pl.DataFrame, bad: float | None
    ) -> None:
        label = pl.col(self.label).cast(pl.Float64)
        row = pl.int_range(pl.len()) == 3
        broken = board.with_columns(pl.when(row).then(pl.lit(bad)).otherwise(label).alias("label"))
        with pytest.raises(DataError, match="row 4"):
            self.make().fit(broken, "label")

    def test_a_label_out_of_scale_is_refused(self, board: pl.DataFrame) -> None:
        """Any finite number is a rating; a click or a grade is not below 0."""
        below = board.with_columns(click=pl.lit(-1))
        if self.model.config.task == "rating":
            assert np.isfinite(self.make().fit(below, "click").predict(below)).all()
        else:
            with pytest.raises(DataError, match="row 1"):
                self.make().fit(below, "click")

    def test_an_absent_label_is_refused(self, board: pl.DataFrame) -> None:
        with pytest.raises(DataError, match="nowhere"):
            self.make().fit(board, "nowhere")

    def test_infinity_in_a_column_is_refused(
        self, board: pl.DataFrame, fitted: AnyClickModel
    ) -> None:
        broken = board.with_columns(price=pl.lit(float("inf")))
        with pytest.raises(DataError, match="price"):
            self.make().fit(broken, self.label)
        with pytest.raises(DataError, match="price"):
            fitted.predict(broken)

    def test_a_column_that_is_absent_is_refused(
        self, board: pl.DataFrame, fitted: AnyClickModel
    ) -> None:
        with pytest.raises(DataError, match="kind"):
            fitted.predict(board.drop("kind"))

    def test_a_failed_fit_leaves_no_model(self, board: pl.DataFrame, fitted: AnyClickModel) -> None:
        with pytest.raises(DataError):
            fitted.fit(board, "nowhere")
        with pytest.raises(NotFittedError):
            fitted.predict(board)

    def test_refuses_to_answer_before_fit(self, board: pl.DataFrame) -> None:
        with pytest.raises(NotFittedError):
            self.make().predict(board)

    # ------------------------------------------------------------------ files and config

    def test_answers_the_same_after_save_and_load(
        self, board: pl.DataFrame, fitted: AnyClickModel, tmp_path: Path
    ) -> None:
        fitted.save(tmp_path / "model")
        loaded = type(self.model).load(tmp_path / "model")
        assert loaded.config == fitted.config
        assert loaded.specs == fitted.specs
        np.testing.assert_array_equal(loaded.predict(board), fitted.predict(board))
        loaded.save(tmp_path / "again")
        for path in (tmp_path / "model").iterdir():
            assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
        with pytest.raises(BundleError, match="already"):
            fitted.save(tmp_path / "model")

    def test_a_damaged_file_is_refused(self, fitted: AnyClickModel, tmp_path: Path) -> None:
        folder = tmp_path / "model"
        fitted.save(folder)
        for path in sorted(folder.iterdir()):
            whole = path.read_bytes()
            middle = len(whole) // 2
            flipped = whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :]
            for damaged in (flipped, whole[:middle], b""):
                path.write_bytes(damaged)
                with pytest.raises(BundleError):
                    type(self.model).load(folder)
            path.unlink()
            with pytest.raises(BundleError):
                type(self.model).load(folder)
            path.write_bytes(whole)
        type(self.model).load(folder)

    @pytest.mark.parametrize(
        "change",
        [
            {"format": 0},
            {"click_model": "another"},
            {"config": {"no_such_setting": 1}},
            {"sha256": {}},
            {"sha256": {"../model.json": ""}},
        ],
        ids=["format", "name", "config", "no files", "outside"],
    )
    def test_another_version_is_refused(
        self, fitted: AnyClickModel, tmp_path: Path, change: dict[str, Any]
    ) -> None:
        fitted.save(tmp_path / "model")
        head = tmp_path / "model" / "model.json"
        head.write_text(json.dumps({**json.loads(head.read_text()), **change}))
        with pytest.raises(BundleError):
            type(self.model).load(tmp_path / "model")

    def test_the_config_is_frozen_and_closed(self) -> None:
        config = type(self.model).Config()
        with pytest.raises(ValidationError):
            type(config).model_validate({"no_such_setting": 1})
        for name in type(config).model_fields:
            with pytest.raises(ValidationError):
                setattr(config, name, None)
            assert type(config).model_fields[name].description, f"{name} is not described"

    def test_the_space_is_of_possible_configs(self) -> None:
        cls = type(self.model).Config
        rng = np.random.default_rng(0)
        assert set(cls.space) <= set(cls.model_fields)
        for _ in range(20):
            cls.model_validate({name: dim.sample(rng) for name, dim in cls.space.items()})

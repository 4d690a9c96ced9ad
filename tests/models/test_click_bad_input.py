"""Bad input to models of rows that the laws of click models leave open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from palate.errors import BundleError, NotFittedError
from palate.models.boosted import Boosted, BoostedConfig
from palate.models.fm import FM, FMConfig
from palate.models.forest import Forest, ForestConfig
from palate.testing.click_models import CLICK_COLUMNS, AnyClickModel, click_board

pytest.importorskip("lightgbm", reason="the extra palate[trees] is not installed")
pytest.importorskip("sklearn", reason="the extra palate[trees] is not installed")

MODELS: dict[str, AnyClickModel] = {
    "fm": FM(CLICK_COLUMNS, FMConfig(k=4, epochs=5)),
    "lr": FM(CLICK_COLUMNS, FMConfig(k=0, epochs=5)),
    "boosted": Boosted(CLICK_COLUMNS, BoostedConfig(rounds=5, min_data_in_leaf=10)),
    "forest": Forest(CLICK_COLUMNS, ForestConfig(trees=3)),
}
ALL = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())


def fresh(model: AnyClickModel, **changes: object) -> AnyClickModel:
    return type(model)(model.specs, model.config.model_copy(update=changes))


def stop(*_: object) -> None:
    raise KeyboardInterrupt


@ALL
def test_an_interrupted_fit_leaves_no_bundle_and_no_old_answers(
    model: AnyClickModel, tmp_path: Path
) -> None:
    learned = fresh(model).fit(click_board(), "click")
    with pytest.raises(KeyboardInterrupt):
        learned.fit(click_board(), "click", progress=stop)
    with pytest.raises(NotFittedError):
        learned.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


@ALL
def test_an_interrupted_save_is_no_model(
    model: AnyClickModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = fresh(model).fit(click_board(), "click")
    monkeypatch.setattr("palate.models.click_files.hashlib.sha256", stop)  # before the head
    with pytest.raises(KeyboardInterrupt):
        learned.save(tmp_path / "model")
    with pytest.raises(BundleError, match="holds no click model"):
        type(model).load(tmp_path / "model")


@ALL
@pytest.mark.parametrize("value", [1e-30, 1e30])
def test_a_number_out_of_scale_has_a_finite_answer(model: AnyClickModel, value: float) -> None:
    board = click_board()
    learned = fresh(model).fit(board, "click")
    assert np.isfinite(learned.predict(board.with_columns(price=pl.lit(value)))).all()


@ALL
def test_ratings_out_of_scale_are_learned(model: AnyClickModel) -> None:
    board = click_board().with_columns(rating=pl.col("rating") * 1e4)
    found = fresh(model, task="rating").fit(board, "rating").predict(board)
    assert np.isfinite(found).all()
    assert 1e4 < found.mean() < 5e4


@ALL
def test_ratings_all_equal_are_predicted(model: AnyClickModel) -> None:
    board = click_board().with_columns(rating=pl.lit(3.0))
    found = fresh(model, task="rating").fit(board, "rating").predict(board)
    np.testing.assert_allclose(found, 3.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("fm", {"k": 5}),
        ("fm", {"task": "rating"}),
        ("lr", {"k": 2}),
        ("boosted", {"task": "rating"}),
        ("forest", {"trees": 4}),
        ("forest", {"task": "rating"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_a_bundle_of_another_config_is_refused(
    name: str, other: dict[str, Any], tmp_path: Path
) -> None:
    model = MODELS[name]
    fresh(model).fit(click_board(), "click").save(tmp_path / "model")
    head = tmp_path / "model" / "model.json"
    said = json.loads(head.read_text())
    said["config"] |= other
    head.write_text(json.dumps(said))
    with pytest.raises(BundleError) as refused:
        type(model).load(tmp_path / "model")
    assert refused.value.hint is not None

"""What deep click models share: numpy answers as torch does, without it, and calibrated."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from palate.errors import BundleError, MissingExtraError, NotFittedError, TrainError
from palate.features.columns import ColumnSpec, Encoded
from palate.metrics.auc import auc
from palate.metrics.log_loss import log_loss
from palate.models.arrays import from_npz, to_npz
from palate.models.click_rows import Part
from palate.models.click_shape import Shape
from palate.models.dcn import DCN, DCNConfig
from palate.models.deep_click import DeepClick, DeepClickConfig
from palate.models.deepfm import DeepFM, DeepFMConfig
from palate.models.wide_deep import WideDeep, WideDeepConfig
from palate.models.xdeepfm import XDeepFM, XDeepFMConfig
from palate.testing.click_models import CLICK_COLUMNS, click_board
from palate.types import AttributeKind

SMALL: dict[str, Any] = {
    "k": 4,
    "hidden": (8, 6),
    "sigma": 0.3,
    "epochs": 3,
    "batch_size": 60,
    "learning_rate": 0.02,
    "lambda_v": 0.0,
    "average": 0.5,
}
Deep = DeepClick[Any]
KINDS: dict[str, Deep] = {
    "deepfm": DeepFM(CLICK_COLUMNS, DeepFMConfig(**SMALL)),
    "deepfm without norm or numbers": DeepFM(
        CLICK_COLUMNS, DeepFMConfig(**SMALL, batch_norm=False, numbers=False)
    ),
    "wide_deep": WideDeep(CLICK_COLUMNS, WideDeepConfig(**SMALL)),
    "wide_deep crossed": WideDeep(
        CLICK_COLUMNS,
        WideDeepConfig(**SMALL, crosses=(("taste", "kind"), ("tags", "taste")), cross_buckets=99),
    ),
    "xdeepfm": XDeepFM(CLICK_COLUMNS, XDeepFMConfig(**SMALL, maps=(5, 3))),
    "dcn": DCN(CLICK_COLUMNS, DCNConfig(**SMALL)),
    "dcn stacked": DCN(CLICK_COLUMNS, DCNConfig(**SMALL, structure="stacked")),
    "dcn of a rank": DCN(CLICK_COLUMNS, DCNConfig(**SMALL, rank=3, layers=1)),
}


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
def model(request: pytest.FixtureRequest) -> Deep:
    kind: Deep = request.param
    return type(kind)(kind.specs, kind.config)


def encoded(model: Deep, table: pl.DataFrame) -> Encoded:
    return model.columns.encode(table)


# ---------------------------------------------------------------------- torch and numpy


def test_numpy_answers_as_the_net_does(model: Deep) -> None:
    """The net that training ended with is kept, and asked beside the arrays made of it."""
    import torch

    from palate.models.nets.click_net import ClickNet
    from palate.models.nets.click_rows import ClickRows
    from palate.models.nets.click_training import answers

    kept: list[ClickNet] = []
    make = model._net

    def remembered(shape: Shape) -> ClickNet:
        kept.append(make(shape))
        return kept[-1]

    model._net = remembered  # type: ignore[method-assign]
    model.fit(click_board(), "click")
    fresh = encoded(model, click_board(seed=3))
    labels = np.zeros(len(fresh), np.float32)
    by_torch = answers(kept[-1], ClickRows(Part(fresh, labels, None), model._extra(fresh)))
    assert not kept[-1].training
    assert torch.is_tensor(next(kept[-1].parameters()))
    np.testing.assert_allclose(model._raw(fresh), by_torch, atol=1e-4)
    assert np.ptp(by_torch) > 0.5  # the answers differ, so that equality says something


WITHOUT_TORCH = """
import json, sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name="torch")
        return None

sys.meta_path.insert(0, Absent())
from pathlib import Path
from palate.testing.click_models import click_board
from palate.models import deepfm, dcn, wide_deep, xdeepfm

found = {}
for folder in sorted(Path(sys.argv[1]).iterdir()):
    kind = json.loads((folder / "model.json").read_text())["click_model"]
    cls = {c.name: c for c in (deepfm.DeepFM, dcn.DCN, wide_deep.WideDeep, xdeepfm.XDeepFM)}[kind]
    found[folder.name] = cls.load(folder).predict(click_board(40, seed=3)).tolist()
assert "torch" not in sys.modules
print(json.dumps(found))
"""


def test_answers_where_torch_is_not_installed(tmp_path: Path) -> None:
    wanted = {}
    for name in ("deepfm", "wide_deep crossed", "xdeepfm", "dcn"):
        kind = KINDS[name]
        model = type(kind)(kind.specs, kind.config).fit(click_board(), "click")
        model.save(tmp_path / name)
        wanted[name] = model.predict(click_board(40, seed=3))
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) == set(wanted)
    for name, answers in wanted.items():
        np.testing.assert_array_equal(found[name], answers)


def test_to_fit_without_torch_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else find(name)
    )
    with pytest.raises(MissingExtraError, match=r"palate\[train\]"):
        DeepFM(CLICK_COLUMNS).fit(click_board(), "click")


# ---------------------------------------------------------------------- calibration


def sampled(n: int, seed: int) -> pl.DataFrame:
    """Clicks of known chances: 0.9 where a and b are equal, else 0.2."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 5, (2, n))
    chance = np.where(a == b, 0.9, 0.2)
    return pl.DataFrame(
        {"a": a.astype(str), "b": b.astype(str), "click": (rng.random(n) < chance).astype(int)}
    )


AB = [ColumnSpec(name=name, kind=AttributeKind.CATEGORY) for name in "ab"]


def test_probabilities_are_calibrated() -> None:
    config = DeepFMConfig(**SMALL | {"epochs": 5})
    model = DeepFM(AB, config).fit(sampled(4000, 0), "click")
    fresh = sampled(4000, 1)
    found = model.predict(fresh)
    for low, high in ((0.0, 0.5), (0.5, 1.0)):
        some = (found >= low) & (found < high)
        rate = fresh["click"].to_numpy()[some].mean()
        assert found[some].mean() == pytest.approx(rate, abs=0.05)


def test_a_line_puts_a_net_right_that_is_too_sure() -> None:
    """No reason for any label: what was learned by heart is worth nothing, and is not believed."""
    rng = np.random.default_rng(0)

    def noise(n: int) -> pl.DataFrame:
        ids = rng.integers(0, 200, (2, n)).astype(str)
        return pl.DataFrame({"a": ids[0], "b": ids[1], "click": rng.integers(0, 2, n)})

    rows, fresh = noise(600), noise(2000)
    losses = {}
    for calibrate in (True, False):
        config = DeepFMConfig(
            **SMALL | {"epochs": 6, "patience": 0, "dropout": 0.0},
            calibrate=calibrate,
            validation=0.3,
            refit=False,
        )
        found = DeepFM(AB, config).fit(rows, "click").predict(fresh)
        losses[calibrate] = log_loss(fresh["click"], found)
    assert losses[True] < losses[False]
    assert losses[True] < np.log(2) + 0.05


def test_calibration_changes_no_order() -> None:
    board = click_board()
    plain, straight = (
        DeepFM(CLICK_COLUMNS, DeepFMConfig(**SMALL, calibrate=calibrate)).fit(board, "click")
        for calibrate in (False, True)
    )
    first, second = plain.predict(board), straight.predict(board)
    assert plain._line == (1.0, 0.0) != straight._line
    np.testing.assert_array_equal(
        np.argsort(first, kind="stable"), np.argsort(second, kind="stable")
    )


# ---------------------------------------------------------------------- bad and odd input


def test_a_value_never_seen_has_no_embedding(model: Deep) -> None:
    table = model.fit(click_board(), "click").arrays()["table"]
    unseen = [f for f in range(len(table)) if model.columns.label(f).endswith("=unseen")]
    assert unseen
    np.testing.assert_array_equal(table[unseen], 0)
    assert np.abs(table).max() > 0


def test_a_last_batch_of_one() -> None:
    """61 rows in batches of 60: batch normalisation has no spread to divide by."""
    model = DeepFM(CLICK_COLUMNS, DeepFMConfig(**SMALL, validation=0.0))
    assert np.isfinite(model.fit(click_board(61), "click").predict(click_board(seed=1))).all()


def test_batches_of_one_row() -> None:
    model = DCN(CLICK_COLUMNS, DCNConfig(**SMALL | {"batch_size": 1, "epochs": 1}))
    assert np.isfinite(model.fit(click_board(30), "click").predict(click_board(seed=1))).all()


def test_a_validation_part_of_one_class_is_judged_by_loss() -> None:
    clicked = click_board(100, seed=2).filter(pl.col("click") == 1)
    model = DeepFM(CLICK_COLUMNS, DeepFMConfig(**SMALL))
    found = model.fit(click_board(), "click", validation=clicked).predict(click_board(seed=1))
    assert np.isfinite(found).all()
    assert model._line == (1.0, 0.0)


def test_rows_without_any_entry(model: Deep) -> None:
    """A field of several values may have none."""
    columns = [ColumnSpec(name="tags", kind=AttributeKind.CATEGORIES)]
    if isinstance(model, WideDeep):
        model = WideDeep(columns, WideDeepConfig(**SMALL))
    else:
        model = type(model)(columns, model.config)
    table = pl.DataFrame(
        {"tags": [["a"], [], ["b", "c"]] * 40, "click": [1, 0, 0] * 40},
    )
    found = model.fit(table, "click").predict(table)
    assert np.isfinite(found).all()
    empty = pl.DataFrame({"tags": [[]]}, schema={"tags": pl.List(pl.String)})
    np.testing.assert_array_equal(model.predict(empty), found[1:2])


def test_one_column_of_one_value() -> None:
    table = pl.DataFrame({"a": ["x"] * 50, "click": [0, 1] * 25})
    found = DeepFM(AB[:1], DeepFMConfig(**SMALL)).fit(table, "click").predict(table)
    assert np.isfinite(found).all()
    assert (found == found[0]).all()


def test_ratings_all_equal() -> None:
    table = click_board().with_columns(rating=pl.lit(3.0))
    model = DeepFM(CLICK_COLUMNS, DeepFMConfig(**SMALL, task="rating")).fit(table, "rating")
    np.testing.assert_array_equal(model.predict(table), 3.0)


def test_ratings_on_another_scale_are_learned_as_well() -> None:
    board = click_board()
    config = DeepFMConfig(**SMALL, task="rating")
    small = DeepFM(CLICK_COLUMNS, config).fit(board, "rating").predict(board)
    large = board.with_columns(pl.col("rating") * 1000 + 5)
    found = DeepFM(CLICK_COLUMNS, config).fit(large, "rating").predict(board)
    np.testing.assert_allclose(found, small * 1000 + 5, rtol=0.02)


def test_a_step_too_long_is_said() -> None:
    config = DeepFMConfig(**SMALL | {"learning_rate": 1e30}, batch_norm=False)
    with pytest.raises(TrainError, match="the loss is"):
        DeepFM(CLICK_COLUMNS, config).fit(click_board(), "click")


# ---------------------------------------------------------------------- learning and files


def test_the_penalty_shrinks_the_table() -> None:
    board = click_board()
    norms = []
    for penalty in (0.0, 0.1):
        config = DeepFMConfig(**SMALL | {"lambda_v": penalty}, validation=0.0)
        table = DeepFM(CLICK_COLUMNS, config).fit(board, "click").arrays()["table"]
        norms.append(float(np.linalg.norm(table)))
    assert norms[1] < norms[0] / 2


def test_it_stops_when_validation_no_longer_gains() -> None:
    """Noise is learned by heart: the epochs of the best model are few."""
    rng = np.random.default_rng(1)
    table = pl.DataFrame(
        {
            "a": rng.integers(0, 300, 600).astype(str),
            "b": rng.integers(0, 300, 600).astype(str),
            "click": rng.integers(0, 2, 600),
        }
    )
    calls: list[str] = []
    config = DeepFMConfig(**SMALL | {"epochs": 50}, patience=2, refit=False, stop_by="loss")
    DeepFM(AB, config).fit(table, "click", progress=lambda *call: calls.append(call[2]))
    last = max(int(said.split()[1]) for said in calls)
    assert last < 50


def test_another_seed_is_another_model() -> None:
    board = click_board()
    first, second = (
        DeepFM(CLICK_COLUMNS, DeepFMConfig(**SMALL, seed=seed)).fit(board, "click").predict(board)
        for seed in (1, 2)
    )
    assert not np.array_equal(first, second)
    assert auc(board["click"], first) > 0.8


def test_arrays_before_fit() -> None:
    with pytest.raises(NotFittedError):
        DeepFM(CLICK_COLUMNS).arrays()


@pytest.mark.parametrize("change", ["fewer rows", "an array is missing", "a layer is of others"])
def test_arrays_that_do_not_fit_are_refused(change: str) -> None:
    model = DeepFM(CLICK_COLUMNS, DeepFMConfig(**SMALL)).fit(click_board(), "click")
    state = from_npz(model._files()["state.npz"])
    if change == "fewer rows":
        state["net.table"] = state["net.table"][1:]
    elif change == "an array is missing":
        del state["net.out.weight"]
    else:
        state["net.hidden.0.bias"] = state["net.hidden.0.bias"][1:]
    fresh = DeepFM(CLICK_COLUMNS, model.config)
    with pytest.raises((BundleError, KeyError, ValueError)):
        fresh._restore(model.columns, {"state.npz": to_npz(state)})


def test_every_setting_of_the_loop_is_a_setting_of_the_model() -> None:
    from palate.train.settings import TrainConfig

    assert set(TrainConfig.model_fields) <= set(DeepClickConfig.model_fields)

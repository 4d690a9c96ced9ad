"""The common part of deep recommenders: stopping, learning again, silence, and no torch."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from palate.data import Dataset, Histories
from palate.errors import BundleError, DataError, MissingExtraError, NotFittedError, TrainError
from palate.models.deep import Course, Deep, alike, liked_once
from palate.models.lightgcn import LightGCN, LightGCNConfig
from palate.models.multvae import MultVAE, MultVAEConfig
from palate.models.ncf import NCF, NCFConfig
from palate.testing.checkerboard import COLD_ITEM, checkerboard, tiny
from palate.testing.rows import history
from palate.train.batches import Batch

pytestmark = pytest.mark.usefixtures("one_thread")

MODELS: list[Deep[Any]] = [
    MultVAE(MultVAEConfig(K=4, hidden=(6,), epochs=2, batch_size=16)),
    NCF(NCFConfig(d=4, layers=(8, 4), epochs=2, batch_size=16)),
    LightGCN(LightGCNConfig(d=4, epochs=2, batch_size=16)),
]
each = pytest.mark.parametrize("model", MODELS, ids=[model.name for model in MODELS])
QUICK = LightGCNConfig(d=4, epochs=6, batch_size=16, learning_rate=0.05)


@pytest.fixture(scope="module")
def board() -> Dataset:
    return checkerboard()


def epochs_seen(config: LightGCNConfig, board: Dataset) -> list[int]:
    """Steps in all, as they are announced at the start of each training."""
    totals: list[int] = []

    def progress(done: int, total: int, what: str) -> None:
        if not totals or totals[-1] != total:
            totals.append(total)

    LightGCN(config).fit(board, progress=progress)
    return totals


def test_all_is_learned_again_for_the_best_epochs(board: Dataset) -> None:
    steps = 3  # 46 users, 16 a step
    first, *again = epochs_seen(QUICK, board)
    assert first == 6 * steps
    assert len(again) <= 1  # the same number where the last epoch was best
    assert all(total % steps == 0 and total <= first for total in again)


@pytest.mark.parametrize("change", [{"refit": False}, {"validation": 0.0}, {"patience": 0}])
def test_it_is_learned_once(board: Dataset, change: dict[str, Any]) -> None:
    assert len(epochs_seen(QUICK.model_copy(update=change), board)) == 1


@each
@pytest.mark.parametrize("at", [4, 8])  # one training takes 6 steps: within each of the two
def test_an_interrupted_fit_goes_on_to_the_same_result(
    model: Deep[Any], at: int, board: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = type(model)(model.config).fit(board)._state()
    kind = type(model)
    course, taken = kind._course, 0

    def breaking(self: Deep[Any], histories: Histories, dataset: Dataset) -> Course:
        made = course(self, histories, dataset)

        def loss(net: torch.nn.Module, batch: Batch) -> torch.Tensor:
            nonlocal taken
            taken += 1
            if taken == at:
                raise KeyboardInterrupt
            return made.loss(net, batch)

        return replace(made, loss=loss)

    broken = kind(model.config)
    broken.checkpoint = tmp_path / "checkpoint"
    with monkeypatch.context() as patched:
        patched.setattr(kind, "_course", breaking)
        with pytest.raises(KeyboardInterrupt):
            broken.fit(board)
    with pytest.raises(NotFittedError):
        broken.recommend(["person-01"])
    again = broken.fit(board)._state()
    assert again.keys() == whole.keys()
    for name, array in whole.items():
        np.testing.assert_array_equal(array, again[name])


def test_a_checkpoint_of_another_config_is_refused(board: Dataset, tmp_path: Path) -> None:
    model = LightGCN(QUICK)
    model.checkpoint = tmp_path
    model.fit(board)
    other = LightGCN(QUICK.model_copy(update={"learning_rate": 0.5}))
    other.checkpoint = tmp_path
    with pytest.raises(TrainError):
        other.fit(board)


@each
def test_nothing_liked_is_refused(model: Deep[Any]) -> None:
    with pytest.raises(DataError, match="no value is above 0"):
        type(model)(model.config).fit(tiny([("u", "a", -1.0), ("v", "b", 0.0)]))


@each
def test_a_history_of_dislikes_says_nothing(model: Deep[Any], board: Dataset) -> None:
    fitted = type(model)(model.config).fit(board)
    disliked = history([1, 3], board.n_items, [-1.0, -2.0])
    assert (fitted.score_histories(disliked) == 0).all()
    popular = np.argsort(-fitted.popularity, kind="stable")[:3]
    assert fitted.top_k(disliked, 3, exclude_seen=False).items[0].tolist() == popular.tolist()


@each
def test_dislikes_and_repeats_change_nothing(model: Deep[Any], board: Dataset) -> None:
    fitted = type(model)(model.config).fit(board)
    plain = fitted.score_histories(history([1, 5], board.n_items))
    more = history([1, 1, 2, 5], board.n_items, [1.0, 3.0, -1.0, 2.0])
    np.testing.assert_array_equal(fitted.score_histories(more), plain)


@each
def test_an_item_nobody_touched_comes_last(model: Deep[Any], board: Dataset) -> None:
    fitted = type(model)(model.config).fit(board)
    cold = fitted.vocabulary.row(COLD_ITEM)
    scores = fitted.score_histories(history([1, 5, cold], board.n_items))[0]
    assert np.isfinite(scores).all()
    assert scores[cold] == scores.min()


@each
def test_a_file_with_other_shapes_is_refused(
    model: Deep[Any], board: Dataset, tmp_path: Path
) -> None:
    fitted = type(model)(model.config).fit(board)
    state = fitted._state()
    name = max(state)
    with pytest.raises(KeyError):
        type(model)(model.config)._restore({"known": state["known"]})
    fitted._arrays = {**fitted._arrays, name: state[name][:0]}
    fitted.save(tmp_path / "model")
    with pytest.raises(BundleError, match="another version"):
        type(model).load(tmp_path / "model")


def test_the_absence_of_torch_names_the_command(
    board: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else found(name)
    )
    with pytest.raises(MissingExtraError, match=r"pip install 'palate\[train\]'"):
        LightGCN(QUICK).fit(board)


def test_answers_where_torch_is_not_installed(board: Dataset, tmp_path: Path) -> None:
    expected = []
    for model in MODELS:
        fitted = type(model)(model.config).fit(board)
        fitted.save(tmp_path / model.name)
        expected.append(fitted.score_histories(board.histories))
    code = """
import sys
from pathlib import Path
import numpy as np
sys.modules["torch"] = None
from palate.models.lightgcn import LightGCN
from palate.models.multvae import MultVAE
from palate.models.ncf import NCF
from palate.testing.checkerboard import checkerboard
board = checkerboard()
for kind in (MultVAE, NCF, LightGCN):
    model = kind.load(Path(kind.name)).with_histories(board)
    np.save(f"{kind.name}.npy", model.score_histories(board.histories))
    answers = model.recommend(["person-03", "nobody"], 2)
    print(answers.height, model.similar_items(["item-01"]).height)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["4", "10"] * 3
    for model, scores in zip(MODELS, expected, strict=True):
        np.testing.assert_array_equal(np.load(tmp_path / f"{model.name}.npy"), scores)


def test_liked_once() -> None:
    given = history([3, 1, 3, 2, 1], 4, [1.0, -1.0, 2.0, 0.0, 3.0])
    found = liked_once(replace(given, timestamps=np.arange(5)))
    assert found.items.tolist() == [3, 1]
    assert found.timestamps.tolist() == [0, 1]
    assert found.values.tolist() == [1.0, 1.0]


def test_alike_is_the_cosine() -> None:
    vectors = np.array([[3, 4], [4, 3], [0, 0], [-6, -8]], np.float32)
    found = alike(vectors, np.array([0], np.int32))[0]
    np.testing.assert_allclose(found, [1, 0.96, np.nan, -1], rtol=1e-6)

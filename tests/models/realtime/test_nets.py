"""Nets as they are served: shapes, spaces, bad input, files; and where torch is not installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from palate.errors import BundleError, DataError
from palate.models.realtime import Nets, Realtime, RealtimeConfig
from palate.models.realtime.context import NAMES
from palate.models.realtime.newcomers import newcomers
from palate.testing.checkerboard import checkerboard

ITEMS: list[dict[str, Any]] = [{"kind": "even", "price": 104.0}, {"kind": "odd", "price": 15.0}]


@pytest.fixture
def nets(fitted: Realtime) -> Nets:
    return fitted.nets


def test_a_service_embeds_items_as_training_did(fitted: Realtime, nets: Nets) -> None:
    board = checkerboard()
    rows = board.items_by_row
    found = nets.embed_items(rows["item_id"].to_list(), rows.drop("item_id").to_dicts())
    np.testing.assert_allclose(found, fitted.vectors, atol=1e-6)


def test_users_by_their_parts_are_users_by_their_histories(fitted: Realtime, nets: Nets) -> None:
    board = checkerboard()
    history = board.histories.slice(4, 5)
    (profile,) = fitted._profiles.after(history)
    found = nets.embed_user(profile, fitted.vectors[history.items], None)
    np.testing.assert_allclose(
        found @ fitted.vectors.T, fitted._scores(history, ranked=False)[0], atol=1e-5
    )


def test_shapes_and_lengths(nets: Nets) -> None:
    assert nets.dimension == 16
    assert nets.layout is not None
    items = nets.embed_items(["item-04", "new"], ITEMS)
    user = nets.embed_user(np.zeros(nets.layout.size, np.float32), items, {"timestamp": 10**15})
    assert user.dtype == items.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm([*items, user], axis=1), 1, atol=1e-5)
    found = nets.rank(user, items)
    assert nets.outcomes == ("like",)
    assert found.shape == (2, 1)
    assert ((found > 0) & (found < 1)).all()


def test_no_recent_items_no_items_to_rank(nets: Nets) -> None:
    assert nets.layout is not None
    nobody = np.zeros(nets.layout.size, np.float32)
    user = nets.embed_user(nobody, np.empty((0, 16), np.float32))
    assert np.isfinite(user).all()
    assert nets.rank(user, np.empty((0, 16), np.float32)).shape == (0, 1)
    assert nets.embed_items([], []).shape == (0, 16)


def test_only_the_newest_items_count(nets: Nets) -> None:
    assert nets.layout is not None
    nobody = np.zeros(nets.layout.size, np.float32)
    many = nets.embed_items([f"i{n}" for n in range(20)], [ITEMS[n % 2] for n in range(20)])
    np.testing.assert_array_equal(
        nets.embed_user(nobody, many), nets.embed_user(nobody, many[-nets.recent :])
    )


def test_the_moment_is_the_request_features(nets: Nets) -> None:
    assert nets.features == NAMES
    assert nets.request_features({"timestamp": 0}, 3).shape == (3, len(NAMES))
    assert not nets.request_features(None, 2).any()


def test_wrong_shapes_are_refused(nets: Nets) -> None:
    assert nets.layout is not None
    nobody, items = np.zeros(nets.layout.size, np.float32), nets.embed_items(["a"], [{}])
    with pytest.raises(DataError, match="recent"):
        nets.embed_user(nobody, np.zeros((1, 15), np.float32))
    with pytest.raises(DataError, match="layout"):
        nets.embed_user(nobody[1:], items)
    with pytest.raises(DataError, match="ranked"):
        nets.rank(items[0], items, np.zeros((1, 2), np.float32))
    with pytest.raises(DataError, match="2 ids and 1"):
        nets.embed_items(["a", "b"], [{}])


@pytest.mark.parametrize(
    "attributes",
    [{}, {"kind": None}, {"kind": 3, "price": "dear"}, {"price": 1e308}, {"kind": ["a"]},
     {"more": "x" * 10_000}],
)  # fmt: skip
def test_any_item_has_a_vector(nets: Nets, attributes: dict[str, Any]) -> None:
    (vector,) = nets.embed_items(["new"], [attributes])
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_a_space_is_of_its_weights(quick: RealtimeConfig, fitted: Realtime, nets: Nets) -> None:
    assert len(nets.space) == 16
    int(nets.space, 16)
    again = Realtime(quick).fit(checkerboard())
    assert again.nets.space == nets.space
    other = Realtime(quick.model_copy(update={"seed": 1})).fit(checkerboard())
    assert other.nets.space != nets.space


# ------------------------------------------------------------------ files


def test_files_give_the_same_nets(nets: Nets, tmp_path: Path) -> None:
    nets.save(tmp_path / "nets")
    loaded = Nets.load(tmp_path / "nets")
    loaded.warm()
    assert loaded.space == nets.space
    assert loaded.outcomes == nets.outcomes
    np.testing.assert_array_equal(
        loaded.embed_items(["item-04", "x"], ITEMS), nets.embed_items(["item-04", "x"], ITEMS)
    )
    with pytest.raises(BundleError, match="already"):
        nets.save(tmp_path / "nets")


def test_what_newcomers_look_for_is_kept_and_moves_no_space(
    fitted: Realtime, nets: Nets, tmp_path: Path
) -> None:
    asked, board = nets.newcomers, checkerboard()
    touched = np.bincount(board.histories.items, minlength=board.n_items) > 0
    some = newcomers(touched, int(board.histories.timestamps.max()))
    assert asked.shape == (touched.sum(), nets.dimension), "one an item: there are but a few"
    np.testing.assert_allclose(asked, fitted._scorer.users(some), atol=1e-6)
    fewer = nets.asked_by(asked[:3])
    fewer.save(tmp_path / "fewer")
    again = Nets.load(tmp_path / "fewer")
    assert again.newcomers.tolist() == asked[:3].tolist()
    assert again.space == nets.space, "no vector depends on them"


@pytest.mark.parametrize("vectors", [np.zeros((3, 2), np.float32), np.zeros((3, 16))])
def test_newcomers_of_another_shape_are_refused(nets: Nets, vectors: np.ndarray) -> None:
    with pytest.raises(BundleError, match="holds no vectors of 16 numbers"):
        nets.asked_by(vectors)


def test_damaged_nets_are_refused(nets: Nets, tmp_path: Path) -> None:
    nets.save(tmp_path)
    for path in sorted(tmp_path.iterdir()):
        whole = path.read_bytes()
        flipped = whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 0xFF])
        for damaged in (flipped, b""):
            path.write_bytes(damaged)
            with pytest.raises(BundleError):
                Nets.load(tmp_path)
        path.unlink()
        with pytest.raises(BundleError):
            Nets.load(tmp_path)
        path.write_bytes(whole)
    Nets.load(tmp_path)


def test_a_head_that_names_other_files_is_refused(nets: Nets, tmp_path: Path) -> None:
    nets.save(tmp_path)
    head = tmp_path / "nets.json"
    said = head.read_text()
    for change in (('"item.onnx"', '"../item.onnx"'), ('"format": 2', '"format": 9')):
        head.write_text(said.replace(*change))
        with pytest.raises(BundleError):
            Nets.load(tmp_path)


def test_answers_where_torch_is_not_installed(fitted: Realtime, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    fitted.nets.save(tmp_path / "nets")
    code = """
import sys
from pathlib import Path
import numpy as np
for name in ("torch", "onnx"):
    sys.modules[name] = None
from palate.models.realtime import Nets, Realtime
from palate.testing.checkerboard import checkerboard
board = checkerboard()
model = Realtime.load(Path("model")).with_histories(board)
np.save("scores.npy", model.score_histories(board.histories))
nets = Nets.load(Path("nets"))
user = nets.embed_user(np.zeros(nets.layout.size, np.float32), model.vectors[:2])
print(model.recommend(["person-03", "nobody"], 2).height, nets.rank(user, model.vectors).shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["4", "(21,", "1)"]
    expected = fitted.score_histories(checkerboard().histories)
    np.testing.assert_array_equal(np.load(tmp_path / "scores.npy"), expected)

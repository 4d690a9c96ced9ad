"""SASRec: the order is what it learns from, and its answers without torch are torch's."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from palate.data import Dataset, Histories
from palate.errors import BundleError
from palate.models.artefact import config_checksum
from palate.models.sasrec import SASRec, SASRecConfig
from palate.testing.checkerboard import N_USERS, checkerboard, tiny
from palate.testing.model_files import AnyModel
from palate.testing.models import ModelConformance
from palate.testing.rows import dataset, history

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = SASRecConfig(
    d=12, n=8, b=1, epochs=25, batch_size=96, learning_rate=0.02, dropout=0.5, validation=0
)

RING = QUICK.model_copy(update={"epochs": 40, "dropout": 0.1})


@cache
def on_the_board(config: SASRecConfig) -> SASRec:
    return SASRec(config).fit(checkerboard())


class SASRecConformance(ModelConformance):
    @pytest.fixture
    def fitted(self) -> AnyModel:
        """Fitted once for all tests: none of them changes it."""
        return on_the_board(self.model.config)

    def test_recommends_the_obvious(self, board: Dataset, fitted: AnyModel) -> None:
        """What follows a user's last items is of their kind, if seen already or not."""
        users = board.user_vocabulary.ids[:N_USERS]
        first = fitted.recommend(users, 1, exclude_seen=False)["item_id"].to_list()
        assert [int(item[-2:]) % 2 for item in first] == [user % 2 for user in range(N_USERS)]


class TestSASRec(SASRecConformance):
    model = SASRec(QUICK)


class TestSASRecCosines(SASRecConformance):
    model = SASRec(QUICK.model_copy(update={"tau": 0.2, "b": 2}))


def ring(n_users: int = 60, n_items: int = 12, length: int = 6) -> Dataset:
    """Everybody goes round the same ring of items, from a place of their own."""
    rows = [
        (f"u{user:02d}", f"i{(user + step) % n_items:02d}", 1.0, float(step))
        for user in range(n_users)
        for step in range(length)
    ]
    return dataset(rows)


@pytest.fixture(scope="module")
def fitted() -> SASRec:
    return SASRec(RING.model_copy(update={"b": 2})).fit(ring())


def test_learns_the_order(fitted: SASRec) -> None:
    for last in range(12):
        asked = history([(last - 1) % 12, last], 12)
        assert fitted.top_k(asked, 1).items[0, 0] == (last + 1) % 12


def test_the_order_of_what_came_before_counts() -> None:
    """After a, b, x comes d, after b, a, x comes e: the same items, and the same last one."""
    a, b, d, e, x = range(5)
    rows = [
        (f"u{user:02d}", "abdex"[item], 1.0, float(step))
        for user in range(60)
        for step, item in enumerate((a, b, x, d) if user % 2 else (b, a, x, e))
    ]
    model = SASRec(RING.model_copy(update={"dropout": 0.0})).fit(dataset(rows))
    assert model.score_histories(history([a, b, x], 5)).argmax() == d
    assert model.score_histories(history([b, a, x], 5)).argmax() == e


def test_a_sequence_of_one_and_of_ten_thousand(fitted: SASRec) -> None:
    assert fitted.top_k(history([7], 12), 1).items[0, 0] == 8
    long = [i % 12 for i in range(10_000)]
    short = fitted.score_histories(history(long[-RING.n :], 12))
    np.testing.assert_array_equal(fitted.score_histories(history(long, 12)), short)


def test_learns_from_a_sequence_of_ten_thousand() -> None:
    rows = [("u", f"i{step % 11:02d}", 1.0, step / 1000) for step in range(10_000)]
    model = SASRec(RING.model_copy(update={"epochs": 4, "batch_size": 128})).fit(dataset(rows))
    assert model.top_k(history([2, 3, 4], 11), 1).items[0, 0] == 5


def test_dislikes_are_not_in_the_sequence(fitted: SASRec) -> None:
    np.testing.assert_array_equal(
        fitted.score_histories(history([3, 9, 4], 12, [1.0, -1.0, 1.0])),
        fitted.score_histories(history([3, 4], 12)),
    )
    silent = Histories(
        np.array([0, 0, 2], np.int64),
        np.array([1, 2], np.int32),
        np.array([0.0, -1.0], np.float32),
        np.full(2, -1, np.int64),
        12,
    )
    assert not fitted.score_histories(silent).any()


def test_a_history_is_answered_alone_as_among_others(fitted: SASRec) -> None:
    rng = np.random.default_rng(3)
    asked = [rng.integers(0, 12, n).tolist() for n in (1, 3, 3, 3, 8, 20)]
    together = Histories(
        np.cumsum([0, *map(len, asked)]).astype(np.int64),
        np.concatenate(asked).astype(np.int32),
        np.ones(sum(map(len, asked)), np.float32),
        np.full(sum(map(len, asked)), -1, np.int64),
        12,
    )
    scores = fitted.score_histories(together)
    for row, one in zip(scores, asked, strict=True):
        np.testing.assert_array_equal(row, fitted.score_histories(history(one, 12))[0])


@pytest.mark.parametrize(("tau", "b", "heads"), [(None, 1, 1), (None, 2, 2), (0.07, 3, 4)])
def test_equals_torch(tau: float | None, b: int, heads: int) -> None:
    from palate.models.nets.sasrec import SASRecNet

    config = SASRecConfig(d=16, n=7, b=b, heads=heads, tau=tau)
    torch.manual_seed(0)
    net = SASRecNet(12, config).eval()
    for weights in net.parameters():
        torch.nn.init.normal_(weights, std=0.3)
    state = {name: value.numpy().copy() for name, value in net.state_dict().items()}
    model = SASRec(config)
    model._restore({**state, "items.weight": state["items.weight"][:-1].copy()})
    for length in (1, 2, 7):
        rows = np.random.default_rng(length).integers(0, 12, length)
        with torch.no_grad():
            expected = (net(torch.from_numpy(rows)[None])[0, -1] @ net.outputs().T).numpy()
        got = model.score_histories(history(rows.tolist(), 12))[0]
        np.testing.assert_allclose(got, expected, atol=1e-4)


def test_what_fills_a_row_up_is_never_seen() -> None:
    from palate.models.nets.sasrec import SASRecNet

    net = SASRecNet(12, RING).eval()
    rows = torch.tensor([[3, 4, 5, 12, 12], [3, 4, 5, 6, 7]])
    with torch.no_grad():
        long = net(rows)
        np.testing.assert_allclose(long[0, :3], long[1, :3], atol=1e-6)
        np.testing.assert_allclose(long[0, :3], net(rows[:1, :3])[0], atol=1e-6)


@pytest.mark.parametrize("negatives", [0, 5])
def test_the_loss_is_that_of_the_right_item_among_all(negatives: int) -> None:
    from palate.models.nets.sasrec import SASRecNet, next_item_loss

    torch.manual_seed(1)
    net = SASRecNet(12, RING).eval()
    seen = torch.tensor([[3, 4], [5, 12]])
    following = torch.tensor([[4, 1], [2, -1]])
    drawn = torch.tensor([1, 7, 7, 8, 0][:negatives], dtype=torch.int64)
    with torch.no_grad():
        scores = (net(seen) @ net.outputs().T).numpy()
        loss = float(next_item_loss(net, (seen, following, drawn)))
    expected = []
    for row, place, right in ((0, 0, 4), (0, 1, 1), (1, 0, 2)):
        at = scores[row, place].astype(np.float64)
        if negatives:
            others = [at[j] + np.log(12 / negatives) for j in drawn.tolist() if j != right]
            expected.append(np.log(np.exp([at[right], *others]).sum()) - at[right])
        else:
            expected.append(np.log(np.exp(at).sum()) - at[right])
    assert loss == pytest.approx(np.mean(expected), rel=1e-5)


def test_stops_by_what_it_held_out_and_learns_all_again() -> None:
    config = RING.model_copy(update={"validation": 0.2, "patience": 2, "epochs": 25})
    model = SASRec(config).fit(ring())
    assert model.top_k(history([3, 4, 5], 12), 1).items[0, 0] == 6
    once = SASRec(config.model_copy(update={"refit": False})).fit(ring())
    assert (once._items != model._items).any()


def test_negatives_drawn_or_all_learn_alike() -> None:
    config = RING.model_copy(update={"negatives": 4})
    model = SASRec(config).fit(ring())
    assert model.top_k(history([3, 4, 5], 12), 1).items[0, 0] == 6


def test_histories_of_one_item_teach_nothing() -> None:
    model = SASRec(RING).fit(tiny([("u", "a", 1.0), ("v", "b", 1.0), ("w", "b", 1.0)]))
    assert model.recommend(["u", "new"], 2).rows() == [
        ("u", "b", 1, 2.0),
        ("new", "b", 1, 2.0),
        ("new", "a", 2, 1.0),
    ]


def test_heads_divide_the_width() -> None:
    with pytest.raises(ValueError, match="does not divide"):
        SASRecConfig(d=16, heads=3)


def test_scores_where_torch_is_not_installed(fitted: SASRec, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    code = """
import sys
from pathlib import Path
import numpy as np
sys.modules["torch"] = None
from palate.models.sasrec import SASRec
from palate.testing.rows import dataset, history
model = SASRec.load(Path("model"))
np.save("scores.npy", model.score_histories(history([3, 4, 5], 12)))
rows = [("me", "i03", 1.0, 0.0), ("me", "i04", 1.0, 1.0)]
rows += [("you", f"i{item:02d}", 1.0, 0.0) for item in range(12)]
known = model.with_histories(dataset(rows))
print(known.recommend(["me"], 1)["item_id"][0], known.similar_items(["i03"], 2).height)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["i05", "2"]
    np.testing.assert_array_equal(
        np.load(tmp_path / "scores.npy"), fitted.score_histories(history([3, 4, 5], 12))
    )


@pytest.mark.parametrize("change", [{"d": 24}, {"n": 9}, {"b": 3}])
def test_arrays_of_another_config_are_refused(
    fitted: SASRec, tmp_path: Path, change: dict[str, object]
) -> None:
    fitted.save(tmp_path / "model")
    head = tmp_path / "model" / "model.json"
    told = json.loads(head.read_text())
    config = {**told["config"], **change}
    said = {"config": config, "config_sha256": config_checksum(config)}
    head.write_text(json.dumps({**told, **said}))
    with pytest.raises(BundleError, match="another version"):
        SASRec.load(tmp_path / "model")

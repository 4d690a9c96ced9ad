"""The model: streamed as in memory, new items, RankNet's part, what it refuses."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from palate.data import Dataset
from palate.errors import BundleError, ConfigError, DataError, MissingExtraError, NotFittedError
from palate.models.realtime import Realtime, RealtimeConfig
from palate.models.realtime.scoring import fused
from palate.testing.checkerboard import COLD_ITEM, checkerboard


def test_a_table_in_files_teaches_what_one_in_memory_does(
    quick: RealtimeConfig, tmp_path: Path
) -> None:
    one_batch = quick.model_copy(update={"batch_size": 4096, "epochs": 2})
    board = checkerboard()
    streamed = Realtime(one_batch)
    streamed.folder = tmp_path
    streamed.fit(board)
    assert list((tmp_path / "whole").glob("*.parquet"))
    inside = Realtime(one_batch).fit(board)
    # The same rows in another order: only sums in float32 differ.
    np.testing.assert_allclose(
        streamed.score_histories(board.histories), inside.score_histories(board.histories), atol=0.2
    )


def test_new_items_are_known_at_once(fitted: Realtime, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    model = Realtime.load(tmp_path / "model")
    board = checkerboard()
    fresh = pl.DataFrame(
        {"item_id": ["item-even", "item-odd"], "kind": ["even", "odd"], "price": [110.0, 20.0]}
    )
    items = pl.concat([board.items.select("item_id", "kind", "price"), fresh], how="diagonal")
    later = Dataset.from_canonical(
        board.interactions, items=items, users=board.users, schema=board.schema
    )
    model.with_items(later)
    assert model.popularity[model.vocabulary.row("item-even")] == 0
    for user in ("person-02", "person-03"):
        asked = model.recommend([user], 2, candidates=["item-even", "item-odd"])["item_id"]
        assert asked[0] == ("item-even" if user == "person-02" else "item-odd")
    assert COLD_ITEM in model.vocabulary


def test_ranknet_orders_the_head_alone(quick: RealtimeConfig) -> None:
    config = quick.model_copy(update={"rerank": "always", "candidates": 3})
    board = checkerboard()
    model = Realtime(config).fit(board)
    plain, ranked = (model._scores(board.histories, ranked=ranked) for ranked in (False, True))
    for before, after in zip(plain, ranked, strict=True):
        head = np.argsort(-before, kind="stable")[:3]
        assert set(np.argsort(-after, kind="stable")[:3]) == set(head)
        rest = np.setdiff1d(np.arange(len(before)), head)
        np.testing.assert_array_equal(before[rest], after[rest])


@pytest.mark.parametrize("rerank", ["never", "auto"])
def test_who_ranks_by_the_nets_does_as_the_model_does(quick: RealtimeConfig, rerank: str) -> None:
    board = checkerboard()
    model = Realtime(quick.model_copy(update={"rerank": rerank})).fit(board)
    history = board.histories.slice(0, 1)
    user = model._scorer.users(history)[0]
    worth = fused(model.nets.rank(user, model.vectors), model.nets.worth)
    expected = model._scores(history, ranked=model._rank_weight > 0)[0]
    assert np.argsort(worth).tolist() == np.argsort(expected).tolist()


def test_fused_is_the_weighted_mean() -> None:
    found = fused(np.array([[0.5, 0.1], [0.0, 1.0]], np.float32), (1.0, 3.0))
    np.testing.assert_allclose(found, [0.2, 0.75])


@pytest.mark.parametrize(
    "change",
    [{"profile": False}, {"recent": 0}, {"context": False}, {"ids": False}, {"attributes": False},
     {"rank": 0.0, "rerank": "auto"}, {"hard": 0}, {"text": ("title",)}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_each_part_can_be_left_out(quick: RealtimeConfig, change: dict[str, Any]) -> None:
    if "text" in change:
        pytest.importorskip("wordllama")
    board = checkerboard()
    model = Realtime(quick.model_copy(update={"epochs": 2, **change})).fit(board)
    scores = model.score_histories(board.histories)
    assert np.isfinite(scores).all()
    assert not (scores[:46] == scores[:46, :1]).all(axis=1).any()


def test_left_alone_and_served_items_teach(quick: RealtimeConfig, market: Dataset) -> None:
    served = pl.DataFrame(
        {
            "user_id": ["ben"],
            "item_id": ["z"],
            "timestamp": pl.Series([1]).cast(pl.Datetime("us", "UTC")),
            "view": [0],
        }
    )
    for shown in (None, served):
        model = Realtime(quick, served=shown).fit(market)
        assert np.isfinite(model.score_histories(market.histories)).all()
        assert model.nets.outcomes == ("save", "view")
        assert model.nets.worth == (3.0, 1.0)


def test_nothing_to_read_of_users_is_refused() -> None:
    blind = RealtimeConfig(recent=0, profile=False, context=False)
    with pytest.raises(ConfigError, match="nothing of users"):
        Realtime(blind).fit(checkerboard())


def test_nothing_liked_is_refused(quick: RealtimeConfig) -> None:
    rows = pl.DataFrame({"user_id": ["a"], "item_id": ["x"], "value": [-1.0]})
    with pytest.raises(DataError, match="nothing to learn"):
        Realtime(quick).fit(Dataset.from_frames(rows))


def test_no_nets_before_fit() -> None:
    with pytest.raises(NotFittedError):
        _ = Realtime().nets


@pytest.mark.parametrize(("package", "extra"), [("torch", "train"), ("onnxruntime", "realtime")])
def test_what_is_not_installed_is_named(
    quick: RealtimeConfig, monkeypatch: pytest.MonkeyPatch, package: str, extra: str
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == package else found(name)
    )
    with pytest.raises(MissingExtraError, match=rf"pip install 'palate\[{extra}\]'"):
        Realtime(quick.model_copy(update={"epochs": 1})).fit(checkerboard())


def test_arrays_of_another_shape_are_refused(fitted: Realtime, tmp_path: Path) -> None:
    fitted.save(tmp_path / "whole")
    broken = Realtime.load(tmp_path / "whole")
    broken._vectors = broken._vectors[:, 1:]
    broken.save(tmp_path / "broken")
    with pytest.raises(BundleError, match="another version"):
        Realtime.load(tmp_path / "broken")

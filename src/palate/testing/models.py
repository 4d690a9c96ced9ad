"""What every model passes: inherit, and set `model`."""

# ruff: noqa: D102 (the names of the tests say it)

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl
import pytest

from palate.data import Dataset, Histories
from palate.errors import (
    DataError,
    NotFittedError,
    UnknownItemError,
    UnsupportedError,
)
from palate.testing.checkerboard import (
    COLD_ITEM,
    COLD_USER,
    N_ITEMS,
    N_USERS,
    checkerboard,
    tiny,
)
from palate.testing.model_files import AnyModel, ModelFilesConformance
from palate.testing.rows import history

__all__ = ["ModelConformance"]


class ModelConformance(ModelFilesConformance):
    """The laws of `Recommender`, test by test. A subclass sets `model`.

    The data are a checkerboard: users and items are even or odd, and everybody touched the
    items of their own kind, but for one that is the obvious next.

        class TestMine(ModelConformance):
            model = Mine()

    Attributes:
        model: Unfitted; its class and config are what is tested.
        personal: Whether the model answers by the user's own taste.
    """

    personal: ClassVar[bool] = True

    # ------------------------------------------------------------------ what is recommended

    def test_recommends_the_obvious(self, board: Dataset, fitted: AnyModel) -> None:
        if not self.personal:
            ranked = fitted.top_k(board.histories, N_ITEMS, exclude_seen=False).items[:N_USERS]
            assert (ranked == ranked[0]).all()
            return
        for user in range(N_USERS):
            first = fitted.recommend([board.user_vocabulary.id(user)], 1)["item_id"][0]
            assert int(first.removeprefix("item-")) % 2 == user % 2, f"user {user}"

    def test_recommend_gives_a_frame_best_first(self, board: Dataset, fitted: AnyModel) -> None:
        users = board.user_vocabulary.ids
        frame = fitted.recommend(users, 5)
        assert dict(frame.schema) == {
            "user_id": pl.String,
            "item_id": pl.String,
            "rank": pl.Int32,
            "score": pl.Float32,
        }
        assert frame["user_id"].unique(maintain_order=True).to_list() == list(users)
        for _, one in frame.group_by("user_id", maintain_order=True):
            assert one["rank"].to_list() == list(range(1, one.height + 1))
            assert one["item_id"].n_unique() == one.height
            assert one["score"].is_sorted(descending=True)
            assert not one["score"].is_nan().any()

    def test_ties_go_to_the_lowest_row(self, board: Dataset, fitted: AnyModel) -> None:
        scores = fitted.score_histories(board.histories)
        top = fitted.top_k(board.histories, len(fitted.vocabulary), exclude_seen=False)
        for user in range(N_USERS):  # those with a history
            row = scores[user].astype(np.float64)
            if row.min() == 0:  # nothing speaks for these: they come last, the popular first
                row[row == 0] = -1 / (1 + fitted.popularity[row == 0])
            expected = np.argsort(-row, kind="stable")[: np.isfinite(row).sum()]
            np.testing.assert_array_equal(top.items[user, : len(expected)], expected)

    def test_leaves_out_what_was_seen(self, board: Dataset, fitted: AnyModel) -> None:
        histories = board.histories
        top = fitted.top_k(histories, N_ITEMS)
        for user in range(histories.n_users):
            seen = histories.items[histories.indptr[user] : histories.indptr[user + 1]]
            assert not np.isin(top.items[user], seen).any()

    def test_does_not_leave_it_out_when_told(self, board: Dataset, fitted: AnyModel) -> None:
        top = fitted.top_k(board.histories, N_ITEMS + 1, exclude_seen=False)
        assert (np.sort(top.items[:N_USERS], axis=1)[:, 1:] >= 0).all()

    def test_k_above_the_catalogue(self, board: Dataset, fitted: AnyModel) -> None:
        top = fitted.top_k(board.histories, 1000, exclude_seen=False)
        assert top.items.shape == top.scores.shape == (board.n_users, 1000)
        assert (top.items[:, board.n_items :] == -1).all()
        assert np.isnan(top.scores[top.items < 0]).all()

    def test_k_below_one_is_refused(self, board: Dataset, fitted: AnyModel) -> None:
        with pytest.raises(DataError, match="k is 0"):
            fitted.top_k(board.histories, 0)

    def test_candidates(self, board: Dataset, fitted: AnyModel) -> None:
        user = board.user_vocabulary.id(0)
        some = fitted.recommend([user], 5, candidates=["item-03", "nowhere", "item-05"])
        assert set(some["item_id"]) <= {"item-03", "item-05"}
        assert not some.is_empty()
        assert fitted.recommend([user], 5, candidates=["nowhere"]).is_empty()
        assert fitted.recommend([user], 5, candidates=[]).is_empty()

    def test_one_user_is_answered_as_in_a_batch(self, board: Dataset, fitted: AnyModel) -> None:
        histories = board.histories
        batch = fitted.top_k(histories, 5)
        for user in range(histories.n_users):
            alone = fitted.top_k(histories.slice(user, user + 1), 5)
            np.testing.assert_array_equal(alone.items[0], batch.items[user])
            np.testing.assert_allclose(alone.scores[0], batch.scores[user], rtol=1e-5)

    # ------------------------------------------------------------------ scores

    def test_shapes_and_types(self, board: Dataset, fitted: AnyModel) -> None:
        scores = fitted.score_histories(board.histories)
        assert scores.shape == (board.n_users, board.n_items)
        assert scores.dtype in (np.float32, np.float64)
        assert not np.isinf(scores).any()
        top = fitted.top_k(board.histories, 3)
        assert top.items.dtype == np.int32
        assert top.scores.dtype == np.float32

    def test_scores_are_the_callers_to_change(self, board: Dataset, fitted: AnyModel) -> None:
        before = fitted.score_histories(board.histories)
        kept = before.copy()
        before[:] = -1.0
        np.testing.assert_array_equal(fitted.score_histories(board.histories), kept)

    def test_histories_may_be_read_only(self, board: Dataset, fitted: AnyModel) -> None:
        whole = board.histories
        frozen = Histories(
            np.frombuffer(whole.indptr.tobytes(), np.int64),
            np.frombuffer(whole.items.tobytes(), np.int32),
            np.frombuffer(whole.values.tobytes(), np.float32),
            np.frombuffer(whole.timestamps.tobytes(), np.int64),
            whole.n_items,
        )
        expected = fitted.top_k(whole, 5)
        np.testing.assert_array_equal(fitted.top_k(frozen, 5).items, expected.items)

    def test_scores_of_pairs(self, board: Dataset, fitted: AnyModel) -> None:
        known = board.user_vocabulary.id(0)
        pairs = pl.DataFrame(
            {
                "user_id": [known, known, "nobody", known],
                "item_id": ["item-03", "nowhere", "item-03", "item-04"],
            }
        )
        scores = fitted.score(pairs)
        row = fitted.score_histories(board.histories.slice(0, 1))[0]
        expected = [row[fitted.vocabulary.row("item-03")], row[fitted.vocabulary.row("item-04")]]
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores[[0, 3]], expected, rtol=1e-5)
        assert np.isnan(scores[[1, 2]]).all()

    # ------------------------------------------------------------------ users and items unknown

    def test_cold_and_unknown_users_get_popular_items(self, fitted: AnyModel) -> None:
        expected = np.argsort(-fitted.popularity, kind="stable")[:4]
        for user in (COLD_USER, "nobody"):
            got = fitted.recommend([user], 4)["item_id"].to_list()
            assert got == [fitted.vocabulary.id(int(row)) for row in expected]

    def test_a_new_user_is_scored_from_events(self, fitted: AnyModel) -> None:
        items = fitted.vocabulary.rows(["item-01", "item-05", "item-07"])
        top = fitted.top_k(history(items.tolist(), len(fitted.vocabulary)), 3)
        assert (top.items >= 0).all()
        if self.personal:
            assert (np.array([_number(fitted, r) for r in top.items[0]]) % 2 == 1).all()

    def test_a_cold_item(self, board: Dataset, fitted: AnyModel) -> None:
        assert COLD_ITEM in fitted.vocabulary
        everywhere = fitted.recommend(board.user_vocabulary.ids, N_ITEMS)["item_id"]
        fitted.top_k(history([fitted.vocabulary.row(COLD_ITEM)], len(fitted.vocabulary)), 3)
        if self.can("cold_items"):
            assert COLD_ITEM in set(everywhere)
            alike = fitted.similar_items([COLD_ITEM], 3)["similar_item_id"]
            assert {int(i.removeprefix("item-")) % 2 for i in alike} == {0}

    # ------------------------------------------------------------------ similar items, reasons

    def test_similar_items(self, fitted: AnyModel) -> None:
        if not self.can("similar_items"):
            with pytest.raises(UnsupportedError):
                fitted.similar_items(["item-02"], 3)
            return
        frame = fitted.similar_items(["item-02", "item-07"], 3)
        assert frame.columns == ["item_id", "similar_item_id", "rank", "score"]
        for item, alike in frame.select("item_id", "similar_item_id").rows():
            assert item != alike
            assert int(item.removeprefix("item-")) % 2 == int(alike.removeprefix("item-")) % 2
        with pytest.raises(UnknownItemError, match="nowhere"):
            fitted.similar_items(["item-02", "nowhere"], 3)
        with pytest.raises(DataError, match="k is 0"):
            fitted.similar_items(["item-02"], 0)

    def test_reasons(self, board: Dataset, fitted: AnyModel) -> None:
        user = board.user_vocabulary.id(2)
        if not self.can("explain"):
            with pytest.raises(UnsupportedError):
                fitted.explain(user, "item-02")
            return
        reasons = fitted.explain(user, "item-02", k=4)
        shares = [reason.share for reason in reasons]
        assert 1 <= len(reasons) <= 4
        assert shares == sorted(shares, reverse=True)
        assert all(0 < share <= 1 for share in shares)
        assert sum(shares) <= 1 + 1e-9
        history = board.histories.slice(2, 3)
        seen = {fitted.vocabulary.id(int(row)) for row in history.items}
        assert {reason.item_id for reason in reasons} <= seen
        everything = fitted.explain(user, "item-02", k=1000)
        assert sum(r.share for r in everything) == pytest.approx(1.0)
        assert fitted.explain("nobody", "item-02") == []
        with pytest.raises(UnknownItemError, match="nowhere"):
            fitted.explain(user, "nowhere")

    # ------------------------------------------------------------------ fit

    def test_fits_the_same_twice(self, board: Dataset, fitted: AnyModel) -> None:
        again = self.fit(checkerboard())
        np.testing.assert_array_equal(
            again.score_histories(board.histories), fitted.score_histories(board.histories)
        )

    def test_partial_fit(self, board: Dataset, fitted: AnyModel) -> None:
        if not self.can("partial_fit"):
            with pytest.raises(UnsupportedError):
                fitted.partial_fit(board)
            return
        before = fitted.popularity.copy()
        assert fitted.partial_fit(board) is fitted
        np.testing.assert_array_equal(fitted.popularity, 2 * before)
        with pytest.raises(DataError, match="items"):
            fitted.partial_fit(tiny([("u", "elsewhere", 1.0)]))

    def test_refuses_to_answer_before_fit(self, board: Dataset) -> None:
        model = type(self.model)(self.model.config)
        with pytest.raises(NotFittedError):
            model.top_k(board.histories, 3)
        with pytest.raises(NotFittedError):
            model.recommend(["anyone"])
        with pytest.raises(NotFittedError):
            _ = model.popularity

    def test_no_interactions(self, board: Dataset) -> None:
        nothing = board.with_interactions(board.interactions.clear())
        if not self.model.needs_interactions:
            assert self.fit(nothing).similar_items(["item-02"], 2).height == 2
            return
        with pytest.raises(DataError, match="nothing to learn"):
            self.fit(nothing)

    def test_one_user(self) -> None:
        model = self.fit(tiny([("u", "a", 4.0), ("u", "b", 3.0)]))
        assert model.recommend(["u"], 5).is_empty()
        assert set(model.recommend(["u"], 5, exclude_seen=False)["item_id"]) == {"a", "b"}

    def test_one_item(self) -> None:
        model = self.fit(tiny([("u", "a", 4.0), ("v", "a", 3.0)]))
        assert model.recommend(["u", "new"], 5).rows() == [("new", "a", 1, 2.0)]

    def test_duplicates_are_one_row_in_the_answer(self) -> None:
        rows = [("u", "a", 1.0)] * 5 + [("u", "b", 1.0), ("v", "a", 1.0), ("v", "c", 1.0)]
        model = self.fit(tiny(rows))
        assert model.popularity.tolist() == [2.0, 1.0, 1.0]
        answer = model.recommend(["u"], 5)["item_id"].to_list()
        assert answer == ["c"]

    def test_values_all_equal(self) -> None:
        rows = [(f"u{u}", f"i{i}", 3.0) for u in range(4) for i in range(4) if u != i]
        model = self.fit(tiny(rows))
        assert model.recommend(["u1"], 1)["item_id"].to_list() == ["i1"]

    def test_negative_values(self) -> None:
        rows = [(f"u{u}", f"i{i}", (-1.0) ** (u + i)) for u in range(4) for i in range(4)]
        model = self.fit(tiny(rows))
        answer = model.recommend([f"u{u}" for u in range(4)], 4, exclude_seen=False)
        assert not answer["score"].is_nan().any()


def _number(model: AnyModel, row: int) -> int:
    return int(model.vocabulary.id(int(row)).removeprefix("item-"))

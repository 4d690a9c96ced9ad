"""The base class: fallbacks, NaN, refusals, and what a failed fit leaves."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from palate.data import Dataset, Histories
from palate.errors import DataError, NotFittedError, UnsupportedError
from palate.models.base import Recommender
from palate.models.config import ModelConfig
from palate.testing.rows import dataset, history
from palate.types import FloatArray, Progress

# Popularity: b 3, a 2, c 1, d 0.
ROWS = [
    ("u", "a", 1.0, 0.0),
    ("u", "b", 1.0, 0.0),
    ("v", "b", 1.0, 0.0),
    ("v", "a", 1.0, 0.0),
    ("w", "b", 1.0, 0.0),
    ("w", "c", 1.0, 0.0),
]
DATA = dataset(ROWS, pl.DataFrame({"item_id": ["d"]}))
nan = float("nan")


class Row(Recommender[ModelConfig]):
    """Scores every history by one given row."""

    name = "row"
    Config = ModelConfig

    def __init__(self, row: list[float], dtype: type = np.float64) -> None:
        super().__init__()
        self.row: FloatArray = np.array(row, dtype)

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        if len(self.row) != dataset.n_items:
            raise DataError("the row does not fit")

    def score_histories(self, histories: Histories) -> FloatArray:
        return np.tile(self.row, (histories.n_users, 1))

    def _state(self) -> dict[str, np.ndarray]:
        return {"row": self.row}

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        self.row = state["row"]


def top(row: list[float], k: int = 4, *, exclude_seen: bool = True) -> list[int]:
    model = Row(row).fit(DATA)
    found: list[int] = model.top_k(history([2], 4), k, exclude_seen=exclude_seen).items[0].tolist()
    return found


def test_nan_never_wins() -> None:
    assert top([nan, 1.0, nan, 2.0], exclude_seen=False) == [3, 1, -1, -1]


def test_infinities_are_numbers() -> None:
    inf = float("inf")
    assert top([-inf, 1.0, inf, 0.0], exclude_seen=False) == [2, 1, 3, 0]


def test_ties_go_to_the_lowest_row() -> None:
    assert top([1.0, 2.0, 9.0, 2.0]) == [1, 3, 0, -1]
    assert top([1.0, 2.0, 9.0, 2.0], k=1) == [1]


@pytest.mark.parametrize("row", [[5.0, 5.0, 5.0, 5.0], [nan] * 4, [nan, 3.0, nan, 3.0]])
def test_a_history_that_says_nothing_gets_popular_items(row: list[float]) -> None:
    assert top(row) == [1, 0, 3, -1]
    assert top(row, exclude_seen=False) == [1, 0, 2, 3]


def test_scores_say_what_the_model_said_not_popularity() -> None:
    model = Row([5.0, 5.0, 5.0, 5.0]).fit(DATA)
    assert model.score(pl.DataFrame({"user_id": ["u"], "item_id": ["a"]})).tolist() == [5.0]


def test_single_and_double_precision_rank_alike() -> None:
    rng = np.random.default_rng(1)
    row = rng.permutation(4).astype(float).tolist()
    ask = history([0], 4)
    single = Row(row, np.float32).fit(DATA).top_k(ask, 4)
    double = Row(row).fit(DATA).top_k(ask, 4)
    np.testing.assert_array_equal(single.items, double.items)


def test_candidate_rows() -> None:
    model = Row([1.0, 2.0, 3.0, 4.0]).fit(DATA)
    ask = history([3], 4)
    rows = np.array([-1, 0, 2], np.int32)
    assert model.top_k(ask, 4, candidates=rows).items[0].tolist() == [2, 0, -1, -1]
    with pytest.raises(DataError, match="candidate row 4"):
        model.top_k(ask, 4, candidates=np.array([4], np.int32))


def test_histories_over_other_items_are_refused() -> None:
    with pytest.raises(DataError, match="over 9 items"):
        Row([1.0, 2.0, 3.0, 4.0]).fit(DATA).top_k(history([0], 9), 1)


def test_no_users() -> None:
    model = Row([1.0, 2.0, 3.0, 4.0]).fit(DATA)
    assert model.recommend([]).is_empty()
    assert model.recommend([]).columns == ["user_id", "item_id", "rank", "score"]
    assert model.top_k(Histories.empty(0, 4), 3).items.shape == (0, 3)


def test_a_user_asked_for_twice_is_answered_twice() -> None:
    answer = Row([1.0, 2.0, 3.0, 4.0]).fit(DATA).recommend(["u", "u"], 2)
    assert answer["item_id"].to_list() == ["d", "c", "d", "c"]


def test_a_failed_fit_leaves_no_half_fitted_model() -> None:
    model = Row([1.0, 2.0, 3.0, 4.0]).fit(DATA)
    model.row = np.zeros(3)
    with pytest.raises(DataError, match="does not fit"):
        model.fit(DATA)
    with pytest.raises(NotFittedError):
        model.recommend(["u"])


def test_what_a_model_does_not_do_it_says() -> None:
    model = Row([1.0, 2.0, 3.0, 4.0]).fit(DATA)
    for ask in (
        lambda: model.similar_items(["a"]),
        lambda: model.explain("u", "a"),
        lambda: model.partial_fit(DATA),
    ):
        with pytest.raises(UnsupportedError) as refused:
            ask()
        assert refused.value.hint


def test_one_history_is_explained_at_a_time() -> None:
    with pytest.raises(DataError, match="not 3"):
        Row([1.0, 2.0, 3.0, 4.0]).fit(DATA).explain_history(DATA.histories, 0)


class Explains(Row):
    """Says what each entry adds."""

    def _contributions(self, history: Histories, item: int) -> FloatArray:
        return history.values.astype(np.float64)


def test_shares_leave_out_what_speaks_against() -> None:
    model = Explains([0.0] * 4).fit(DATA)
    asked = history([0, 1, 0, 2], 4, [1.0, -5.0, 2.0, 1.0])
    reasons = model.explain_history(asked, 3)
    assert [(r.item_id, r.share) for r in reasons] == [("a", 0.75), ("c", 0.25)]
    assert model.explain_history(history([0], 4, [-1.0]), 3) == []
    assert model.explain_history(history([], 4), 3) == []


@pytest.mark.parametrize("users", [1, 300])
def test_many_users_in_chunks_and_threads(users: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from palate.models import answers

    monkeypatch.setattr(answers, "CHUNK_CELLS", 40)
    monkeypatch.setattr(answers, "THREADED_FROM", 1)
    model = Row([1.0, 2.0, 3.0, 4.0]).fit(DATA)
    model.parallel = True
    ask = DATA.histories.select(np.resize(np.array([0, 1, 2, -1]), users))
    expected = {0: [3, 2, -1], 1: [3, 2, -1], 2: [3, 0, -1], 3: [1, 0, 2]}
    got = model.top_k(ask, 3).items
    for at, row in enumerate(got.tolist()):
        assert row == expected[at % 4]

"""RBM against its formulas, what it must not see, and the laws of a recommender."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from palate.data import Dataset, Histories
from palate.errors import DataError, PalateError
from palate.models.rbm import RBM, RBMConfig
from palate.models.visible import BinaryUnits, Layer, SoftmaxUnits
from palate.testing.model_files import AnyModel
from palate.testing.models import ModelConformance
from palate.testing.rows import dataset, history, random_histories

SMALL = RBMConfig(F=6, epochs=3, batch=8)
N_USERS, N_ITEMS = 24, 10


class TestRBM(ModelConformance):
    model = RBM(SMALL)
    personal = False  # everything was rated alike on the board

    def test_ties_go_to_the_lowest_row(self, board: Dataset, fitted: AnyModel) -> None:
        """All items tie, so the popular ones are the answer."""
        assert np.ptp(fitted.score_histories(board.histories)) == 0
        top = fitted.top_k(board.histories, 5, exclude_seen=False)
        best = np.argsort(-fitted.popularity, kind="stable")[:5]
        np.testing.assert_array_equal(top.items, np.tile(best, (board.n_users, 1)))


class TestRBMBinary(ModelConformance):
    model = RBM(RBMConfig(visible="binary", F=8, epochs=60, batch=10, epsilon=0.2))


def two_tastes() -> Dataset:
    """Half of the users give even items 5 and odd ones 1, the others the other way round."""
    rows = []
    for user in range(N_USERS):
        for item in range(N_ITEMS):
            if (user + 3 * item) % 7:
                rows.append((f"u{user:02d}", f"i{item}", 5.0 if (user + item) % 2 == 0 else 1.0))
    users, items, values = zip(*rows, strict=True)
    return Dataset.from_frames(pl.DataFrame({"user_id": users, "item_id": items, "value": values}))


def layer_of(rng: np.random.Generator, n_items: int, n_levels: int, hidden: int) -> Layer:
    return Layer(
        rng.normal(0, 0.5, (n_items, n_levels, hidden)).astype(np.float32),
        rng.normal(0, 0.5, (n_items, n_levels)).astype(np.float32),
        rng.normal(0, 0.5, hidden).astype(np.float32),
    )


def rated(rng: np.random.Generator, n_users: int, n_items: int) -> Histories:
    """Distinct pairs rated 1 to 5; the last user rated nothing."""
    pairs = rng.permutation((n_users - 1) * n_items)[: n_users * n_items // 3]
    return Histories.from_entries(
        (pairs // n_items).astype(np.int32),
        (pairs % n_items).astype(np.int32),
        rng.integers(1, 6, len(pairs)).astype(np.float32),
        np.full(len(pairs), -1, np.int64),
        n_users=n_users,
        n_items=n_items,
    )


# ---------------------------------------------------------------------- what it must not see


def test_ratings_of_the_test_part_reach_no_score() -> None:
    # The leak that flattered a known implementation: the machine is shown what it shall
    # predict. Ours takes the history alone, so another test part changes nothing.
    whole = two_tastes()
    in_test = pl.Series([at % 5 == 0 for at in range(len(whole))])
    train = whole.with_interactions(whole.interactions.filter(~in_test))
    test = whole.interactions.filter(in_test)
    model = RBM(SMALL).fit(train)
    pairs = test.select("user_id", "item_id")
    honest = model.score(pairs)
    tampered = test.with_columns(value=6.0 - pl.col("value"))
    assert model.score(tampered).tolist() == honest.tolist()
    # The same ratings as part of the history do change the score: they are the leak.
    shown = model.with_histories(whole).score(pairs)
    assert not np.allclose(shown, honest)


def test_learning_sees_training_rows_alone() -> None:
    whole = two_tastes()
    in_test = pl.Series([at % 5 == 0 for at in range(len(whole))])
    rows = whole.interactions
    train = whole.with_interactions(rows.filter(~in_test))
    # A set that never had the test rows, over the same items and users.
    never = Dataset.from_frames(
        rows.filter(~in_test),
        items=pl.DataFrame({"item_id": whole.item_vocabulary.ids}),
        users=pl.DataFrame({"user_id": whole.user_vocabulary.ids}),
    )
    one, other = RBM(SMALL).fit(train), RBM(SMALL).fit(never)
    np.testing.assert_array_equal(
        one.score_histories(train.histories), other.score_histories(never.histories)
    )


# ---------------------------------------------------------------------- what it learns


def test_predicts_ratings_by_taste() -> None:
    data = two_tastes()
    model = RBM(RBMConfig(F=8, epochs=80, batch=6, epsilon=0.1, decay=0.001)).fit(data)
    likes_even = model.score_histories(history([0, 1, 2], N_ITEMS, [5.0, 1.0, 5.0]))[0]
    likes_odd = model.score_histories(history([0, 1, 2], N_ITEMS, [1.0, 5.0, 1.0]))[0]
    assert (likes_even[4::2] > 4).all()
    assert (likes_even[5::2] < 2).all()
    assert (likes_odd[4::2] < 2).all()
    assert (likes_odd[5::2] > 4).all()
    assert "ratings" in model.capabilities


def test_binary_units_rank_and_predict_no_ratings() -> None:
    assert "ratings" not in RBM(RBMConfig(visible="binary")).capabilities


def test_expected_ratings_stay_on_the_scale() -> None:
    scores = RBM(SMALL).fit(two_tastes()).score_histories(two_tastes().histories)
    assert scores.min() >= 1
    assert scores.max() <= 5


def test_all_equal_ratings_predict_that_rating() -> None:
    rows = [(f"u{u}", f"i{i}", 3.0, 0.0) for u in range(5) for i in range(4) if u != i]
    model = RBM(SMALL).fit(dataset(rows))
    np.testing.assert_allclose(model.score_histories(history([0], 4, [3.0])), 3.0, rtol=1e-6)


def test_an_item_without_ratings_gets_the_average_ones_prediction() -> None:
    data = two_tastes()
    items = pl.DataFrame({"item_id": [*data.item_vocabulary.ids, "i-new"]})
    wider = Dataset.from_frames(data.interactions, items=items)
    model = RBM(SMALL).fit(wider)
    score = model.score(pl.DataFrame({"user_id": ["u00"], "item_id": ["i-new"]}))[0]
    assert abs(score - wider.histories.values.mean()) < 0.2


def test_the_newest_of_repeated_ratings_counts() -> None:
    model = RBM(SMALL).fit(two_tastes())
    changed = model.score_histories(history([3, 0, 3], N_ITEMS, [1.0, 5.0, 5.0]))
    np.testing.assert_array_equal(
        changed, model.score_histories(history([0, 3], N_ITEMS, [5.0, 5.0]))
    )


# ---------------------------------------------------------------------- bad input


def test_a_rating_out_of_scale_is_the_nearest_level() -> None:
    units = SoftmaxUnits(np.array([1, 2, 4], np.float32), omega=0.0)
    values = np.array([-7.0, 1.4, 1.5, 1.6, 3.0, 3.1, 99.0], np.float32)
    assert units.rows(values).tolist() == [0, 0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(value: float) -> None:
    model = RBM(SMALL).fit(two_tastes())
    with pytest.raises(DataError, match="NaN or infinite"):
        model.score_histories(history([0], N_ITEMS, [value]))


def test_values_that_are_no_scale_are_refused() -> None:
    rows = [("u", f"i{i:02d}", 1.0 + i / 7, 0.0) for i in range(30)]
    with pytest.raises(PalateError, match="30 distinct values") as refused:
        RBM(SMALL).fit(dataset(rows))
    assert refused.value.hint is not None
    assert "binary" in refused.value.hint


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_steps_that_are_too_large_are_reported() -> None:
    with pytest.raises(DataError, match="did not settle") as refused:
        RBM(RBMConfig(F=4, epochs=20, epsilon=1e12)).fit(two_tastes())
    assert refused.value.hint is not None
    assert "epsilon" in refused.value.hint


def test_an_interrupted_fit_leaves_no_model(tmp_path: Path) -> None:
    def interrupt(done: int, total: int, what: str) -> None:
        raise KeyboardInterrupt

    model = RBM(SMALL)
    with pytest.raises(KeyboardInterrupt):
        model.fit(two_tastes(), progress=interrupt)
    with pytest.raises(PalateError, match="not fitted"):
        model.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


# ---------------------------------------------------------------------- formulas


def chances_of_hidden(histories: Histories, layer: Layer) -> np.ndarray:
    """p(h = 1 | ratings), user by user."""
    total = np.tile(layer.hidden.astype(float), (histories.n_users, 1))
    for u, i, v in zip(histories.users(), histories.items, histories.values, strict=True):
        total[u] += layer.weights[i, int(v) - 1]
    return np.asarray(expit(total))


def chances_of_ratings(hidden: np.ndarray, layer: Layer, item: int) -> np.ndarray:
    pull = layer.weights[item].astype(float) @ hidden + layer.visible[item]
    return np.asarray(np.exp(pull) / np.exp(pull).sum())


def test_softmax_answers_by_the_formula() -> None:
    rng = np.random.default_rng(1)
    layer, histories = layer_of(rng, 9, 5, 4), rated(rng, 12, 9)
    units = SoftmaxUnits(np.arange(1, 6, dtype=np.float32), omega=0.0)
    hidden = units.hidden(histories, layer)
    np.testing.assert_allclose(hidden, chances_of_hidden(histories, layer), rtol=1e-5)
    expected = [
        [chances_of_ratings(h, layer, i) @ np.arange(1, 6) for i in range(9)] for h in hidden
    ]
    np.testing.assert_allclose(units.answer(hidden, layer), expected, rtol=1e-5)


@pytest.mark.parametrize("steps", [1, 3])
def test_softmax_contrast_by_brute_force(steps: int) -> None:
    rng = np.random.default_rng(2)
    layer, histories = layer_of(rng, 9, 5, 4), rated(rng, 40, 9)
    drawn = rng.random((steps, 40, 4), np.float32)
    step = SoftmaxUnits(np.arange(1, 6, dtype=np.float32), omega=0.0).contrast(
        histories, layer, drawn
    )
    first = chances_of_hidden(histories, layer)
    weights = np.zeros((9, 5, 4))
    visible, hidden = np.zeros((9, 5)), np.zeros(4)
    for u in range(40):
        entries = range(histories.indptr[u], histories.indptr[u + 1])
        last, dreamt = first[u], {}
        for t in range(steps):
            state = (drawn[t, u] < last).astype(float)
            dreamt = {e: chances_of_ratings(state, layer, histories.items[e]) for e in entries}
            up = layer.hidden.astype(float)
            for e in entries:
                up = up + dreamt[e] @ layer.weights[histories.items[e]]
            last = expit(up)
        for e in entries:
            i, level = histories.items[e], int(histories.values[e]) - 1
            visible[i, level] += 1
            weights[i, level] += first[u]
            visible[i] -= dreamt[e]
            weights[i] -= np.outer(dreamt[e], last)
        hidden += first[u] - last
    np.testing.assert_allclose(step.weights, weights, atol=1e-4)
    np.testing.assert_allclose(step.visible, visible, atol=1e-4)
    np.testing.assert_allclose(step.hidden, hidden, atol=1e-4)


@pytest.mark.parametrize("omega", [0.0, 6.0])
def test_weights_move_further_along_the_scale(omega: float) -> None:
    rng = np.random.default_rng(8)
    layer, histories = layer_of(rng, 9, 5, 4), rated(rng, 40, 9)
    drawn = rng.random((1, 40, 4), np.float32)
    levels = np.arange(1, 6, dtype=np.float32)
    plain = SoftmaxUnits(levels, omega=0.0).contrast(histories, layer, drawn).weights
    moved = SoftmaxUnits(levels, omega=omega).contrast(histories, layer, drawn).weights
    along = np.array([-2.0, -1.0, 0.0, 1.0, 2.0]) / np.sqrt(10.0)
    metric = np.eye(5) + omega * np.outer(along, along)
    np.testing.assert_allclose(moved, np.einsum("rs,isf->irf", metric, plain), atol=1e-4)


def test_binary_contrast_by_the_formula() -> None:
    rng = np.random.default_rng(3)
    layer, histories = layer_of(rng, 7, 1, 4), random_histories(rng, 9, 7, 30)
    drawn = rng.random((2, 9, 4), np.float32)
    units = BinaryUnits()
    step = units.contrast(histories, layer, drawn)
    v = np.zeros((9, 7))
    np.add.at(v, (histories.users(), histories.items), histories.values)
    v = (v > 0).astype(float)
    w, b, c = layer.weights[:, 0], layer.visible[:, 0], layer.hidden
    first = last = expit(v @ w + c)
    for t in range(2):
        dreamt = expit((drawn[t] < last) @ w.T + b)
        last = expit(dreamt @ w + c)
    np.testing.assert_allclose(step.weights[:, 0], v.T @ first - dreamt.T @ last, atol=1e-4)
    np.testing.assert_allclose(step.visible[:, 0], (v - dreamt).sum(0), atol=1e-4)
    np.testing.assert_allclose(step.hidden, (first - last).sum(0), atol=1e-4)
    hidden = np.asarray(first, np.float32)
    np.testing.assert_allclose(units.answer(hidden, layer), hidden @ w.T + b, rtol=1e-5)


def test_first_biases_are_what_is_known_without_taste() -> None:
    rng = np.random.default_rng(4)
    data = rated(rng, 400, 3)
    units = SoftmaxUnits.of(data, omega=0.0)
    start = units.start(data)
    shares = np.exp(start) / np.exp(start).sum(1, keepdims=True)
    for item in range(3):
        found = np.bincount(data.values[data.items == item].astype(int), minlength=6)[1:]
        np.testing.assert_allclose(shares[item], found / found.sum(), atol=0.02)
    touched = BinaryUnits().start(data)[:, 0]
    np.testing.assert_allclose(
        expit(touched), np.bincount(data.items, minlength=3) / 400, atol=0.01
    )


def test_another_seed_is_another_model() -> None:
    data = two_tastes()
    one = RBM(SMALL).fit(data).score_histories(data.histories)
    other = RBM(SMALL.model_copy(update={"seed": 1})).fit(data).score_histories(data.histories)
    assert not np.array_equal(one, other)


def test_the_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    layer, histories = layer_of(rng, 9, 5, 4), rated(rng, 40, 9)
    drawn = rng.random((1, 40, 4), np.float32)
    units = SoftmaxUnits(np.arange(1, 6, dtype=np.float32), omega=0.0)
    found = []
    for threads in (1, 2):
        monkeypatch.setattr("palate.models.visible.thread_count", lambda n=threads: n)
        found.append(units.contrast(histories, layer, drawn))
    for a, b in zip(found[0].parts, found[1].parts, strict=True):
        np.testing.assert_array_equal(a, b)

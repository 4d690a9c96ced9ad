"""SessionKNN against neighbours looked at session by session, and the laws of a recommender."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from palate.data import Dataset, Histories
from palate.models.sessionknn import SessionKNN, SessionKNNConfig
from palate.testing.models import ModelConformance
from palate.testing.rows import DAY_S, dataset, history

N_ITEMS = 8


class TestSessionKNN(ModelConformance):
    model = SessionKNN()


class TestSessionKNNLately(ModelConformance):
    model = SessionKNN(
        SessionKNNConfig(half_life_days=2.0, gap_hours=30.0, b=0.5, lambda1=5.0, lambda3=5.0)
    )


def sessions_data(sessions: list[list[int]], day_apart: float = 1.0) -> Dataset:
    """Session s happens on day s, its items a second apart; all items are known."""
    rows = [
        (f"u{s}", f"i{item}", 1.0, s * day_apart + place / DAY_S)
        for s, items in enumerate(sessions)
        for place, item in enumerate(items)
    ]
    data = dataset(rows)
    assert data.n_items == N_ITEMS
    return data


def random_sessions(seed: int) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    sessions = [rng.integers(0, N_ITEMS, rng.integers(1, 7)).tolist() for _ in range(30)]
    return [*sessions, list(range(N_ITEMS))]


def by_sessions(sessions: list[list[int]], asked: list[int], c: SessionKNNConfig) -> np.ndarray:
    """The scores as the papers have them: every session is a neighbour, one after the other."""
    total = np.zeros(N_ITEMS)
    alone = np.zeros((N_ITEMS, N_ITEMS))  # what each match adds, for alpha and beta
    for age, session in enumerate(reversed(sessions)):
        g = len(session) ** -c.gamma
        if c.half_life_days is not None:
            g *= 2 ** (-(age + (len(sessions[-1]) - len(session)) / DAY_S) / c.half_life_days)
        for p, i in enumerate(session):
            for q, j in enumerate(session):
                distance = abs(q - p)
                if 0 < distance <= c.window:
                    near = np.exp(-(distance - 1) / c.lambda3) * (c.b if q < p else 1.0)
                    alone[i, j] += g * near
    rows, columns = alone.sum(1), alone.sum(0)
    for back, i in enumerate(reversed(asked)):
        for j in range(N_ITEMS):
            if alone[i, j] > 0:
                worth = alone[i, j] ** c.rho / rows[i] ** c.alpha / columns[j] ** c.beta
                total[j] += np.exp(-back / c.lambda1) * worth
    return total


@pytest.mark.parametrize(
    "config",
    [
        SessionKNNConfig(),
        SessionKNNConfig(rho=1.0, alpha=0.0, beta=0.0, gamma=1.0, lambda3=0.7, b=0.3),
        SessionKNNConfig(window=2, half_life_days=3.0, lambda1=4.0),
    ],
    ids=["defaults", "plain", "faded"],
)
@pytest.mark.parametrize("asked", [[3], [0, 5, 2], [1, 1, 4]])
def test_equals_all_sessions_as_neighbours(config: SessionKNNConfig, asked: list[int]) -> None:
    sessions = random_sessions(7)
    model = SessionKNN(config).fit(sessions_data(sessions))
    np.testing.assert_allclose(
        model.score_histories(history(asked, N_ITEMS))[0],
        by_sessions(sessions, asked, config),
        rtol=1e-9,
    )


def test_newer_items_of_the_history_count_more() -> None:
    model = SessionKNN().fit(sessions_data([[0, 1], [2, 3], list(range(N_ITEMS))[4:]]))
    scores = model.score_histories(history([0, 2], N_ITEMS))[0]
    assert scores[3] > scores[1] > 0


def test_what_came_before_counts_by_b() -> None:
    sessions = [[0, 1, 2], [3, 4], [5, 6, 7]]
    config = SessionKNNConfig(rho=1.0, alpha=0.0, beta=0.0, b=0.25)
    scores = SessionKNN(config).fit(sessions_data(sessions)).score_histories(history([1], N_ITEMS))
    assert scores[0, 0] == pytest.approx(0.25 * scores[0, 2])
    none = SessionKNN(SessionKNNConfig(b=0.0)).fit(sessions_data(sessions))
    assert none.score_histories(history([1], N_ITEMS))[0, 0] == 0


def test_a_pause_ends_a_session() -> None:
    rows = [
        ("u", "a", 1.0, 0.0),
        ("u", "b", 1.0, 0.01),
        ("u", "c", 1.0, 5.0),
        ("u", "d", 1.0, 5.01),
    ]
    cut = SessionKNN(SessionKNNConfig(gap_hours=1.0)).fit(dataset(rows))
    whole = SessionKNN().fit(dataset(rows))
    assert cut.score_histories(history([1], 4))[0].nonzero()[0].tolist() == [0]
    assert whole.score_histories(history([1], 4))[0].nonzero()[0].tolist() == [0, 2, 3]


def test_events_without_a_time_are_one_session() -> None:
    frame = dataset([("u", "a", 1.0, 0.0), ("u", "b", 1.0, 0.0)]).interactions.drop("timestamp")
    model = SessionKNN(SessionKNNConfig(gap_hours=1.0, half_life_days=1.0))
    model.fit(Dataset.from_frames(frame))
    assert model.score_histories(history([0], 2))[0, 1] > 0


def test_old_sessions_fade() -> None:
    sessions = [[0, 1], [0, 2], [3, 4, 5, 6, 7]]
    model = SessionKNN(SessionKNNConfig(half_life_days=1.0, rho=1.0, alpha=0.0, beta=0.0))
    scores = model.fit(sessions_data(sessions)).score_histories(history([0], N_ITEMS))[0]
    assert scores[2] == pytest.approx(2 * scores[1])


@pytest.mark.parametrize("half_life", [None, 4.0])
def test_partial_fit_equals_fit_at_once(half_life: float | None) -> None:
    sessions = random_sessions(11)
    config = SessionKNNConfig(half_life_days=half_life)
    whole = sessions_data(sessions)
    cut = whole.interactions["user_id"].is_in([f"u{s}" for s in range(20)])
    model = SessionKNN(config).fit(whole.with_interactions(whole.interactions.filter(cut)))
    model.partial_fit(whole.with_interactions(whole.interactions.filter(~cut)))
    at_once = SessionKNN(config).fit(whole)
    asked = whole.histories
    np.testing.assert_allclose(
        model.score_histories(asked), at_once.score_histories(asked), rtol=1e-9
    )
    np.testing.assert_array_equal(model.popularity, at_once.popularity)


def test_learns_on_after_save_and_load(tmp_path: Path) -> None:
    data = sessions_data(random_sessions(5))
    model = SessionKNN(SessionKNNConfig(half_life_days=3.0)).fit(data)
    model.save(tmp_path / "model")
    loaded = SessionKNN.load(tmp_path / "model")
    model.partial_fit(data)
    loaded.partial_fit(data)
    np.testing.assert_array_equal(
        loaded.score_histories(data.histories), model.score_histories(data.histories)
    )


def test_what_is_kept_is_a_table_of_items(tmp_path: Path) -> None:
    # Twice the sessions over the same items: not a byte more.
    once, twice = random_sessions(3), random_sessions(3) * 2
    for name, sessions in (("once", once), ("twice", twice)):
        SessionKNN().fit(sessions_data(sessions)).save(tmp_path / name)
    sizes = [(tmp_path / name / "state.npz").stat().st_size for name in ("once", "twice")]
    assert sizes[0] == sizes[1]


def test_an_empty_history_and_disliked_items_score_nothing() -> None:
    model = SessionKNN().fit(sessions_data(random_sessions(2)))
    assert (model.score_histories(Histories.empty(2, N_ITEMS)) == 0).all()
    assert (model.score_histories(history([1, 2], N_ITEMS, [-1.0, 0.0])) == 0).all()
    liked = model.score_histories(history([1, 2], N_ITEMS, [1.0, -1.0]))
    np.testing.assert_array_equal(liked, model.score_histories(history([1], N_ITEMS)))

"""Blend by hand, with members whose opinions are given."""

from __future__ import annotations

import numpy as np
import pytest

from palate.data import Histories
from palate.errors import ConfigError, PluginError, UnsupportedError
from palate.models.blend import Blend, BlendConfig, Member
from palate.models.popular import Popular
from palate.testing.rows import dataset, history
from palate.types import FloatArray

ROWS = [("u", "a", 1.0, 0.0), ("u", "b", 1.0, 0.0), ("v", "b", 1.0, 0.0), ("v", "c", 1.0, 0.0)]


class Says(Popular):
    """A member that says the same to everybody."""

    def __init__(self, opinion: list[float]) -> None:
        super().__init__()
        self.opinion = opinion

    def score_histories(self, histories: Histories) -> FloatArray:
        return np.tile(np.array(self.opinion), (histories.n_users, 1))


def blend(combine: str, **opinions: list[float]) -> Blend:
    weights = {"one": 1.0, "two": 2.0}
    config = BlendConfig.model_validate(
        {
            "members": {n: {"model": "popular", "weight": weights[n]} for n in opinions},
            "combine": combine,
        }
    )
    model = Blend(config)
    model._members = {name: Says(opinion) for name, opinion in opinions.items()}
    return model.fit(dataset(ROWS))


def scores(model: Blend) -> list[float]:
    found: list[float] = model.score_histories(history([0], 3))[0].tolist()
    return found


def test_standardised_scores() -> None:
    up = np.sqrt(1.5)  # of (0, 1, 2): mean 1, deviation sqrt(2/3)
    got = scores(blend("scores", one=[0.0, 1.0, 2.0], two=[30.0, 20.0, 10.0]))
    np.testing.assert_allclose(got, [-up + 2 * up, 0.0, up - 2 * up], atol=1e-15)


def test_tiny_scores_are_scores() -> None:
    got = scores(blend("scores", one=[0.0, 1e-220, 2e-220]))
    np.testing.assert_allclose(got, scores(blend("scores", one=[0.0, 1.0, 2.0])))


def test_ranks_with_ties_at_their_mean() -> None:
    got = scores(blend("ranks", one=[0.0, 5.0, 9.0], two=[7.0, 7.0, 1.0]))
    np.testing.assert_allclose(got, [0 + 2 * 0.75, 0.5 + 2 * 0.75, 1 + 0])


@pytest.mark.parametrize("combine", ["scores", "ranks"])
def test_a_nan_counts_as_the_members_lowest(combine: str) -> None:
    with_nan = scores(blend(combine, one=[np.nan, 1.0, 2.0]))
    without = scores(blend(combine, one=[1.0, 1.0, 2.0]))
    assert with_nan == without


@pytest.mark.parametrize("combine", ["scores", "ranks"])
@pytest.mark.parametrize("flat", [[0.1, 0.1, 0.1], [np.nan, np.nan, np.nan]])
def test_a_member_that_prefers_nothing_changes_no_order(combine: str, flat: list[float]) -> None:
    got = blend(combine, one=[0.0, 1.0, 2.0], two=flat).top_k(history([], 3), 3)
    alone = blend(combine, one=[0.0, 1.0, 2.0])
    one = history([0], 3)
    assert (got.items[0] == [1, 0, 2]).all()  # an empty history: popularity, ties by row
    got = blend(combine, one=[0.0, 1.0, 2.0], two=flat).top_k(one, 3)
    np.testing.assert_array_equal(got.items, alone.top_k(one, 3).items)


def test_when_no_member_prefers_anything_popularity_decides() -> None:
    top = blend("scores", one=[0.3, 0.3, 0.3]).top_k(history([0], 3), 3)
    assert top.items[0].tolist() == [1, 2, -1]
    assert top.scores[0, :2].tolist() == [2.0, 1.0]


def test_asks_members_that_can() -> None:
    members = {"hits": Member(model="popular"), "taste": Member(model="sar")}
    model = Blend(BlendConfig(members=members)).fit(dataset(ROWS))
    assert model.capabilities == {"similar_items", "explain"}
    assert model.similar_items(["a"])["similar_item_id"].to_list() == ["b"]
    assert [r.item_id for r in model.explain("u", "c")] == ["b"]


def test_nobody_can() -> None:
    model = Blend(BlendConfig(members={"hits": Member(model="popular")})).fit(dataset(ROWS))
    assert model.capabilities == frozenset()
    with pytest.raises(UnsupportedError, match="similar_items"):
        model.similar_items(["a"])
    with pytest.raises(UnsupportedError, match="explain"):
        model.explain("u", "c")


def test_impossible_members_are_refused_at_once() -> None:
    with pytest.raises(PluginError, match="nonsense"):
        Blend(BlendConfig(members={"x": Member(model="nonsense")}))
    with pytest.raises(ConfigError, match="similarity"):
        Blend(BlendConfig(members={"x": Member(model="sar", config={"similarity": "none"})}))
    with pytest.raises(ConfigError, match="'/'"):
        Blend(BlendConfig(members={"x/y": Member(model="sar")}))

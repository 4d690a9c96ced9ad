"""Bad input to neighbours, SLIM, RBM and FM: refused with a reason, or answered with numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from palate.data import Dataset
from palate.errors import BundleError, DataError
from palate.models.fm_recommender import FMRecommender, FMRecommenderConfig
from palate.models.markov import Markov, MarkovConfig
from palate.models.rbm import RBM, RBMConfig
from palate.models.rp3beta import RP3beta, RP3betaConfig
from palate.models.sessionknn import SessionKNN, SessionKNNConfig
from palate.models.slim import SLIM, SLIMConfig
from palate.testing.model_files import AnyModel
from palate.testing.rows import dataset, history

N_ITEMS = 12
SOFTMAX = RBM(RBMConfig(F=4, epochs=3))
MODELS: dict[str, AnyModel] = {
    "sessionknn": SessionKNN(),
    "sessionknn-lately": SessionKNN(SessionKNNConfig(half_life_days=1.0, gap_hours=2.0)),
    "markov": Markov(MarkovConfig(D=3)),
    "slim": SLIM(SLIMConfig(lambda_=0.5, beta=5.0)),
    "slim-values": SLIM(SLIMConfig(lambda_=0.5, beta=5.0, binary=False)),
    "rp3beta": RP3beta(),
    "rp3beta-values": RP3beta(RP3betaConfig(binary=False)),
    "rbm": SOFTMAX,
    "rbm-binary": RBM(RBMConfig(F=4, epochs=3, visible="binary")),
    "fm": FMRecommender(FMRecommenderConfig(k=4, epochs=3)),
}
ALL = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
LIKES = {name: model for name, model in MODELS.items() if model is not SOFTMAX}
ON_LIKES = pytest.mark.parametrize("model", LIKES.values(), ids=LIKES.keys())


def some(value: float | None = None) -> Dataset:
    """20 users, each with about two thirds of the items, rated 1 to 5 or all `value`."""
    return dataset(
        [
            (f"u{u:02d}", f"i{i:02d}", float(1 + (u * i) % 5) if value is None else value, i / 24)
            for u in range(20)
            for i in range(N_ITEMS)
            if (u + i) % 3
        ]
    )


def fresh(model: AnyModel) -> AnyModel:
    return type(model)(model.config)


@ALL
@pytest.mark.parametrize("value", [1e-6, 1e30, 3e38])
def test_ratings_out_of_scale_have_finite_answers(model: AnyModel, value: float) -> None:
    data = some()
    odd = pl.DataFrame({"user_id": ["u03"], "item_id": ["i00"], "value": [value]})
    wide = Dataset.from_frames(pl.concat([data.interactions.select(odd.columns), odd]))
    if model.name == "slim" and not model.config.binary and value > 1:
        with pytest.raises(DataError, match="too large") as refused:
            fresh(model).fit(wide)
        assert refused.value.hint is not None
        return
    learned = fresh(model).fit(wide)
    assert np.isfinite(learned.score_histories(data.histories)).all()
    assert (learned.top_k(data.histories, 3).items >= 0).all()


@ALL
def test_a_history_out_of_scale_has_a_finite_answer(model: AnyModel) -> None:
    learned = fresh(model).fit(some())
    top = learned.top_k(history([1, 2], N_ITEMS, [3e38, 1e-30]), 5)
    assert (top.items >= 0).all()
    assert np.isfinite(top.scores).all()


@ALL
def test_labels_of_one_class_are_learned_from(model: AnyModel) -> None:
    """Nothing but 1s, as clicks are."""
    data = some(1.0)
    top = fresh(model).fit(data).top_k(data.histories, 3)
    assert (top.items >= 0).all()
    assert np.isfinite(top.scores).all()


@ON_LIKES
@pytest.mark.parametrize("value", [0.0, -1.0])
def test_nothing_liked_is_refused_or_answered_by_popularity(model: AnyModel, value: float) -> None:
    data = some(value)
    if model.name == "fm":
        with pytest.raises(DataError, match="above 0") as refused:
            fresh(model).fit(data)
        assert refused.value.hint is not None
        return
    learned = fresh(model).fit(data)
    top = learned.top_k(history([0], N_ITEMS, [value]), N_ITEMS - 1)
    popular = np.argsort(-learned.popularity, kind="stable")
    if model.name == "rbm":  # all items are as unlikely as each other, but for chance
        assert sorted(top.items[0].tolist()) == list(range(1, N_ITEMS))
    else:
        assert top.items[0].tolist() == [item for item in popular if item != 0]


@ALL
def test_all_equal_ratings_give_every_user_a_list(model: AnyModel) -> None:
    data = some(3.0)
    learned = fresh(model).fit(data)
    top = learned.top_k(data.histories, 2)
    assert (top.items >= 0).all()
    if "ratings" in learned.capabilities:
        np.testing.assert_allclose(learned.score_histories(data.histories), 3.0, rtol=1e-6)


@ALL
def test_an_item_without_interactions_has_a_place_and_no_power(model: AnyModel) -> None:
    data = some()
    items = pl.DataFrame({"item_id": [*data.item_vocabulary.ids, "i-new"]})
    wider = Dataset.from_frames(
        data.interactions.select("user_id", "item_id", "value", "timestamp"), items=items
    )
    learned = fresh(model).fit(wider)
    cold = learned.vocabulary.row("i-new")
    scores = learned.score_histories(wider.histories)
    assert np.isfinite(scores).all()
    popular = np.argsort(-learned.popularity, kind="stable")[:3]
    asked = learned.top_k(history([cold], len(learned.vocabulary)), 3)
    if model.name not in ("rbm", "fm"):  # those two read the item's bias, or what is absent
        assert asked.items[0].tolist() == popular.tolist()
    assert (asked.items >= 0).all()


@ALL
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_in_a_history_are_never_recommended(model: AnyModel, bad: float) -> None:
    """Who hands one over in rows is refused, or gets what NaN gets everywhere: no place."""
    learned = fresh(model).fit(some())
    asked = history([1, 2], N_ITEMS, [bad, 1.0])
    if model is SOFTMAX:
        with pytest.raises(DataError, match="NaN or infinite"):
            learned.top_k(asked, 5)
        return
    top = learned.top_k(asked, 5)
    placed = top.items >= 0
    assert placed.any()
    assert not np.isnan(top.scores[placed]).any()


@pytest.mark.parametrize(
    ("model", "other"),
    [
        (SOFTMAX, {"F": 5}),
        (SOFTMAX, {"visible": "binary"}),
        (MODELS["rbm-binary"], {"F": 5}),
        (MODELS["rbm-binary"], {"visible": "softmax"}),
        (MODELS["fm"], {"k": 5}),
    ],
    ids=["rbm-F", "rbm-visible", "rbm-binary-F", "rbm-binary-visible", "fm-k"],
)
def test_a_bundle_of_another_config_is_refused(
    model: AnyModel, other: dict[str, Any], tmp_path: Path
) -> None:
    fresh(model).fit(some()).save(tmp_path / "model")
    head = tmp_path / "model" / "model.json"
    said = json.loads(head.read_text())
    said["config"] |= other
    head.write_text(json.dumps(said))
    with pytest.raises(BundleError) as refused:
        type(model).load(tmp_path / "model")
    assert refused.value.hint is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SLIM(SLIMConfig(lambda_=0.5)), SLIM(SLIMConfig(lambda_=0.1))),
        (RP3beta(RP3betaConfig(K=3)), RP3beta(RP3betaConfig(K=5))),
        (SessionKNN(), SessionKNN(SessionKNNConfig(window=2))),
        (Markov(), Markov(MarkovConfig(D=2))),
    ],
    ids=["slim", "rp3beta", "sessionknn", "markov"],
)
def test_the_head_of_another_config_is_refused(
    one: AnyModel, other: AnyModel, tmp_path: Path
) -> None:
    """Files of two fits in one folder: the checksums of one are not those of the other."""
    fresh(one).fit(some()).save(tmp_path / "one")
    fresh(other).fit(some()).save(tmp_path / "other")
    head = (tmp_path / "other" / "model.json").read_text()
    (tmp_path / "one" / "model.json").write_text(head)
    with pytest.raises(BundleError, match="checksum"):
        type(one).load(tmp_path / "one")

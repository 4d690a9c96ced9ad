"""Bad input to factor models: each is refused with a reason, or answered with numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from palate.data import Dataset
from palate.errors import BundleError, DataError
from palate.models.als import ALS, ALSConfig
from palate.models.als_explicit import ExplicitALS, ExplicitALSConfig
from palate.models.artefact import config_checksum
from palate.models.bpr import BPR, BPRConfig
from palate.models.puresvd import PureSVD, PureSVDConfig
from palate.models.svd import SVD, SVDConfig
from palate.testing.model_files import AnyModel
from palate.testing.rows import dataset, history

MODELS: list[AnyModel] = [
    PureSVD(PureSVDConfig(f=3)),
    PureSVD(PureSVDConfig(f=3, binary=False)),
    ALS(ALSConfig(f=4)),
    ALS(ALSConfig(f=4, weights="log", solver="block")),
    BPR(BPRConfig(f=4, epochs=5)),
    SVD(SVDConfig(f=4, epochs=5)),
    ExplicitALS(ExplicitALSConfig(f=3)),
]
ALL = pytest.mark.parametrize(
    "model", MODELS, ids=["puresvd", "puresvd-values", "als", "als-log", "bpr", "svd", "explicit"]
)
N_ITEMS = 12


def some(value: float | None = None) -> Dataset:
    """20 users, each with about two thirds of the items, rated 1 to 5 or all `value`."""
    return dataset(
        [
            (f"u{u:02d}", f"i{i:02d}", float(1 + (u * i) % 5) if value is None else value, 0.0)
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
    wide = pl.concat([data.interactions.select(odd.columns), odd])
    learned = fresh(model).fit(Dataset.from_frames(wide))
    histories = data.histories
    assert np.isfinite(learned.score_histories(histories)).all()
    assert (learned.top_k(histories, 3).items >= 0).all()


@ALL
def test_values_of_one_class_are_learned_from(model: AnyModel) -> None:
    """Nothing but 1s, as clicks are: lists are made, and ratings of 1 predicted."""
    data = some(1.0)
    learned = fresh(model).fit(data)
    top = learned.top_k(data.histories, 3)
    assert (top.items >= 0).all()
    assert np.isfinite(top.scores).all()
    if "ratings" in model.capabilities:
        np.testing.assert_allclose(learned.score_histories(data.histories), 1.0, atol=0.05)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_nan_and_infinity_are_refused_before_any_model(bad: float) -> None:
    rows = pl.DataFrame({"user_id": ["u", "v"], "item_id": ["a", "b"], "value": [1.0, bad]})
    with pytest.raises(DataError, match="NaN or infinity in row 2"):
        Dataset.from_frames(rows)


@ALL
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_in_a_history_are_never_recommended(model: AnyModel, bad: float) -> None:
    """Who hands one over in rows gets what NaN gets everywhere: no place in a list."""
    learned = fresh(model).fit(some())
    top = learned.top_k(history([1, 2], N_ITEMS, [bad, 1.0]), 5)
    placed = top.items >= 0
    assert not np.isnan(top.scores[placed]).any()


@pytest.mark.parametrize(
    ("model", "other"),
    [
        (ALS(ALSConfig(f=4)), {"f": 40}),
        (BPR(BPRConfig(f=4, epochs=2)), {"f": 40}),
        (PureSVD(PureSVDConfig(f=3)), {"f": 2}),
        (SVD(SVDConfig(f=4, epochs=2)), {"f": 5}),
        (ExplicitALS(ExplicitALSConfig(f=3)), {"f": 4}),
    ],
    ids=["als", "bpr", "puresvd", "svd", "explicit"],
)
def test_arrays_of_another_width_than_the_config_says_are_refused(
    model: AnyModel, other: dict[str, int], tmp_path: Path
) -> None:
    fresh(model).fit(some()).save(tmp_path / "model")
    head = tmp_path / "model" / "model.json"
    said = json.loads(head.read_text())
    said["config"] |= other
    head.write_text(json.dumps(said))
    with pytest.raises(BundleError, match="another config"):
        type(model).load(tmp_path / "model")
    said["config_sha256"] = config_checksum(said["config"])
    head.write_text(json.dumps(said))
    with pytest.raises(BundleError, match=rf"factors was expected|{model.name}") as refused:
        type(model).load(tmp_path / "model")
    assert refused.value.hint is not None

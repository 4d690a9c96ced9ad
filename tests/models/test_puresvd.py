"""PureSVD against numpy's decomposition and by its definition."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from palate.data import Dataset
from palate.errors import DataError
from palate.models.puresvd import PureSVD, PureSVDConfig
from palate.testing.model_files import AnyModel
from palate.testing.models import ModelConformance
from palate.testing.rows import dataset, history


class TestPureSVD(ModelConformance):
    model: ClassVar[AnyModel] = PureSVD(PureSVDConfig(f=2))


class TestPureSVDWeighted(ModelConformance):
    model: ClassVar[AnyModel] = PureSVD(PureSVDConfig(f=2, d=0.0, binary=False))


@pytest.fixture(scope="module")
def data() -> Dataset:
    rng = np.random.default_rng(3)
    cells = rng.choice(60 * 40, 700, replace=False)
    return dataset(
        [(f"u{c // 40:02d}", f"i{c % 40:02d}", float(rng.integers(1, 6)), 0.0) for c in cells]
    )


@pytest.mark.parametrize("f", [3, 12, 30])
@pytest.mark.parametrize("binary", [True, False])
def test_equals_the_decomposition(data: Dataset, f: int, binary: bool) -> None:
    x = data.histories.matrix(binary=binary).toarray().astype(np.float64)
    rows = np.linalg.svd(x)[2][:f]
    model = PureSVD(PureSVDConfig(f=f, d=1.0, binary=binary)).fit(data)
    np.testing.assert_allclose(model.score_histories(data.histories), x @ rows.T @ rows, atol=1e-4)


def test_scaling_changes_the_dimensions_and_not_the_history(data: Dataset) -> None:
    x = data.histories.matrix(binary=True).toarray().astype(np.float64)
    rows = np.linalg.svd(x * np.linalg.norm(x, axis=0) ** -0.5)[2][:5]
    model = PureSVD(PureSVDConfig(f=5, d=0.5)).fit(data)
    np.testing.assert_allclose(model.score_histories(data.histories), x @ rows.T @ rows, atol=1e-4)


def test_all_dimensions_give_the_history_back(data: Dataset) -> None:
    model = PureSVD(PureSVDConfig(f=500)).fit(data)
    x = data.histories.matrix(binary=True).toarray()
    np.testing.assert_allclose(model.score_histories(data.histories), x, atol=1e-4)


def test_dimensions_that_the_data_do_not_have_are_left_out() -> None:
    model = PureSVD(PureSVDConfig(f=3)).fit(
        dataset([(f"u{u}", f"i{i}", 1.0, 0.0) for u in range(4) for i in range(6)])
    )
    assert model._items.shape == (6, 1)
    np.testing.assert_allclose(np.abs(model._items), 6**-0.5, rtol=1e-5)


def test_what_the_items_say_adds_up_to_the_score(data: Dataset) -> None:
    model = PureSVD(PureSVDConfig(f=6)).fit(data)
    seen = history([3, 8, 8, 20], 40)
    added = model._contributions(seen, 11)
    assert added.sum() == pytest.approx(float(model.score_histories(seen)[0, 11]), abs=1e-5)


def test_only_dislikes_are_refused() -> None:
    with pytest.raises(DataError, match="no value is above 0"):
        PureSVD().fit(dataset([("u", "a", -1.0, 0.0), ("v", "b", -1.0, 0.0)]))

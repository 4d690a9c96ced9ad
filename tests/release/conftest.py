"""A model whose scores are known, a small dataset, and an empty registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.models import artefact
from palate.models.base import Recommender
from palate.models.config import ModelConfig
from palate.release.registry import Releases, open_releases
from palate.types import FloatArray, Progress


class FixedConfig(ModelConfig):
    """Scores of the items in id order; item i has score i where there are none."""

    scores: tuple[float, ...] = ()
    nan: bool = False


class Fixed(Recommender[FixedConfig]):
    """Gives everybody the same scores, those of its config."""

    name: ClassVar[str] = "fixed"
    Config: ClassVar[type[ModelConfig]] = FixedConfig

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        scores = self.config.scores or range(dataset.n_items)
        self.scores = np.array(list(scores), np.float32)

    def score_histories(self, histories: Histories) -> FloatArray:
        scores = np.tile(self.scores, (histories.n_users, 1))
        if self.config.nan:
            scores[:, 0] = np.nan
        return scores

    def _state(self) -> dict[str, np.ndarray]:
        return {"scores": self.scores}

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        self.scores = state["scores"]


MakeModel = Callable[..., Recommender[Any]]


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is saved as `fixed` is loaded as `Fixed`."""
    monkeypatch.setattr(artefact, "model_class", {"fixed": Fixed}.__getitem__)


@pytest.fixture
def dataset() -> Dataset:
    """Two people and three items, on 1 and 3 May 2024."""
    return Dataset.from_frames(
        pl.DataFrame(
            {
                "user_id": ["anna@example.org", "anna@example.org", "bert@example.org"],
                "item_id": ["a", "b", "c"],
                "timestamp": [
                    datetime(2024, 5, 1, tzinfo=UTC),
                    datetime(2024, 5, 2, tzinfo=UTC),
                    datetime(2024, 5, 3, tzinfo=UTC),
                ],
            }
        ),
        name="tiny",
    )


@pytest.fixture
def make_model(dataset: Dataset) -> MakeModel:
    """`make_model(scores=...)`: a fitted `Fixed`."""

    def make(**config: Any) -> Recommender[Any]:
        return Fixed(FixedConfig(**config)).fit(dataset)

    return make


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[Releases]:
    found = open_releases(tmp_path / "home")
    yield found
    found.close()

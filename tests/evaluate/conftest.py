"""Models whose answers are known, and data small enough to judge by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from pydantic import Field

from palate.config import EventType, Schema
from palate.data import Dataset, Histories
from palate.data.split import Split
from palate.evaluate import Protocol
from palate.models.base import Recommender, TopK
from palate.models.config import Choice, Dimension, ModelConfig, Range
from palate.types import Float64Array, FloatArray, Int32Array, Progress


class ScriptedConfig(ModelConfig):
    """Scores by item id; others get `other`."""

    scores: dict[str, float] = Field(default_factory=dict)
    other: float | None = 0.0  # None is NaN
    mode: str = "scores"  # or popular, unpopular, raise, short, malformed, outside
    noise: float = 0.0
    space: ClassVar[dict[str, Dimension]] = {
        "mode": Choice(("unpopular", "popular")),
        "noise": Range(0.0, 1.0),
    }


class Scripted(Recommender[ScriptedConfig]):
    """Says what its config says, to everybody."""

    name = "scripted"
    Config = ScriptedConfig
    seen_rows: list[int]

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        if self.config.mode == "raise":
            raise ZeroDivisionError("nothing to divide\nby")
        self.seen_rows = [*getattr(self, "seen_rows", []), len(dataset)]

    def score_histories(self, histories: Histories) -> FloatArray:
        if self.config.mode == "popular":
            row = self.popularity.astype(np.float64)
        elif self.config.mode == "unpopular":
            row = -self.popularity.astype(np.float64)
        else:
            other = np.nan if self.config.other is None else self.config.other
            row = np.array([self.config.scores.get(i, other) for i in self.vocabulary.ids])
        return np.tile(row, (histories.n_users, 1))

    def top_k(
        self,
        histories: Histories,
        k: int,
        *,
        exclude_seen: bool = True,
        candidates: Int32Array | None = None,
    ) -> TopK:
        top = super().top_k(histories, k, exclude_seen=exclude_seen, candidates=candidates)
        match self.config.mode:
            case "short":
                return TopK(top.items[:, :1], top.scores[:, :1])
            case "malformed":
                return TopK(top.items[:-1], top.scores[:-1])
            case "outside":
                return TopK(top.items + len(self.vocabulary), top.scores)
            case "unscored":
                return TopK(top.items, np.full_like(top.scores, np.nan))
            case "long":
                return TopK(np.repeat(top.items, 2, axis=1), np.repeat(top.scores, 2, axis=1))
        return top

    def _state(self) -> dict[str, np.ndarray]:
        return {}

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        pass


class Rater(Scripted):
    """The same, and its scores are ratings."""

    name = "rater"
    capabilities = frozenset({"ratings"})


Pairs = Sequence[tuple[str, str] | tuple[str, str, float]]


def dataset(pairs: Pairs, *, items: Sequence[str] = (), name: str = "tiny") -> Dataset:
    """Events of (user, item) or (user, item, rating), plus items that nobody touched."""
    schema = Schema(events={"interaction": EventType(value="multiply")})
    return Dataset.from_frames(
        pl.DataFrame(
            {
                "user_id": [pair[0] for pair in pairs],
                "item_id": [pair[1] for pair in pairs],
                "value": [float(pair[2]) if len(pair) == 3 else 1.0 for pair in pairs],
            }
        ),
        items=pl.DataFrame({"item_id": list(items)}, schema={"item_id": pl.String}),
        schema=schema,
        name=name,
    )


def cut(train: Pairs, test: Pairs, *, items: Sequence[str] = (), name: str = "tiny") -> Split:
    """Two parts over one vocabulary."""
    whole = dataset([*train, *test], items=items, name=name)
    return Split(
        whole.with_interactions(whole.interactions.head(len(train))),
        whole.with_interactions(whole.interactions.tail(len(test))),
    )


def crowd(n_users: int = 60, n_items: int = 24, *, name: str = "crowd") -> Dataset:
    """Everybody touches low-numbered items more, and active users touch more items."""
    rng = np.random.default_rng(5)
    weight: Float64Array = 1.0 / np.arange(1, n_items + 1)
    pairs = [
        (f"u{user:03d}", f"i{item:02d}")
        for user in range(n_users)
        for item in rng.choice(n_items, 4 + user % 12, replace=False, p=weight / weight.sum())
    ]
    return dataset(pairs, name=name)


class Kit:
    """The helpers above, for tests that cannot import from a conftest."""

    scripted_class = Scripted
    dataset = staticmethod(dataset)
    cut = staticmethod(cut)
    crowd = staticmethod(crowd)

    @staticmethod
    def model(
        mode: str = "scores",
        other: float | None = 0.0,
        scores: Mapping[str, float] | None = None,
        **named: float,
    ) -> Scripted:
        """A model that scores item `a` with the argument `a`."""
        return Scripted(ScriptedConfig(scores={**(scores or {}), **named}, mode=mode, other=other))

    @staticmethod
    def rater(other: float | None = 0.0, **scores: float) -> Rater:
        """The same with the capability "ratings"."""
        return Rater(ScriptedConfig(scores=scores, other=other))


@pytest.fixture(scope="session")
def kit() -> Kit:
    """What tests of evaluate are made with."""
    return Kit()


@pytest.fixture
def hand() -> Split:
    """Four users; u4 is unknown to training, u3 is not tested."""
    return cut(
        [("u1", "a"), ("u1", "b"), ("u2", "a"), ("u2", "c"), ("u3", "a")],
        [("u1", "c"), ("u1", "d"), ("u2", "b"), ("u4", "e")],
        items=["f"],
    )


@pytest.fixture
def two() -> Protocol:
    """The top 2, few rounds."""
    return Protocol(split=None, k=2, rounds=50, metrics=("ndcg", "precision", "recall", "map"))

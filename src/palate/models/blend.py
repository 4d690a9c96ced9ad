r"""Blend: a weighted sum of several models' opinions of the same items.

    score(u, j) = sum over members m of  w_m * z_m(u, j)

    scores   z_m = (s_m(u, j) - mean_j s_m(u, .)) / standard deviation_j s_m(u, .)
    ranks    z_m = 1 - (rank_m(u, j) - 1) / (n_items - 1), ties at their mean rank

An item that a member gives NaN gets that member's lowest score for the user; a member whose
scores for the user are all the same says nothing.

Sources: Fox and Shaw 1994, "Combination of multiple searches" (CombSUM); Dwork et al. 2001,
section 4 (Borda's ranks); standardised per user, since models score on different scales.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.stats import rankdata

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.errors import BundleError, ConfigError, UnsupportedError
from palate.models.base import Capability, Recommender
from palate.models.build import build
from palate.models.config import Choice, Dimension, ModelConfig
from palate.types import Float64Array, FloatArray, Int32Array, Progress

__all__ = ["Blend", "BlendConfig", "Member"]


class Member(ModelConfig):
    """One model of a blend."""

    model: str = Field(description="Its registered name.")
    weight: float = Field(default=1.0, gt=0, description="w_m.")
    config: dict[str, Any] = Field(default_factory=dict, description="Its own settings.")


class BlendConfig(ModelConfig):
    """Blend's hyperparameters."""

    members: dict[str, Member] = Field(
        default={
            "ease": Member(model="ease", weight=2.0),
            "sar": Member(model="sar", weight=1.0),
        },
        min_length=1,
        description="Name to model; names tell two of one kind apart.",
    )
    combine: Literal["scores", "ranks"] = Field(
        default="scores", description="Add up standardised scores, or ranks."
    )

    space: ClassVar[dict[str, Dimension]] = {"combine": Choice(("scores", "ranks"))}


class Blend(Recommender[BlendConfig]):
    """Several models asked, their answers weighed."""

    name = "blend"
    Config = BlendConfig

    def __init__(self, config: BlendConfig | None = None) -> None:
        super().__init__(config)
        for name in self.config.members:
            if "/" in name or not name:
                raise ConfigError(f"blend: a member is called {name!r}; names are without '/'")
        self._members: dict[str, Recommender[Any]] = {
            name: build(member.model, member.config) for name, member in self.config.members.items()
        }
        members = self._members.values()
        self.needs_interactions = any(member.needs_interactions for member in members)
        self.parallel = all(member.parallel for member in members)
        able = frozenset[Capability]().union(*(member.capabilities for member in members))
        self.capabilities = able & {"similar_items", "explain", "cold_items"}

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        for done, (name, member) in enumerate(self._members.items()):
            if progress is not None:
                progress(done, len(self._members), f"fitting {name}")
            member.fit(dataset)

    def score_histories(self, histories: Histories) -> FloatArray:
        """(n, n_items) float64."""
        total: Float64Array | None = None
        standard = _standard_ranks if self.config.combine == "ranks" else _standard_scores
        for name, member in self._members.items():
            opinion = standard(member.score_histories(histories).astype(np.float64, copy=False))
            opinion *= self.config.members[name].weight
            total = opinion if total is None else np.add(total, opinion, out=total)
        assert total is not None  # there is at least one member
        return total

    def _similar_rows(self, items: Int32Array) -> FloatArray:
        rows = self._first_that("similar_items")._similar_rows(items)
        for member in self._members.values():
            silent = np.isnan(rows).all(axis=1)
            if silent.any() and "similar_items" in member.capabilities:
                rows[silent] = member._similar_rows(items[silent])
        return rows

    def _contributions(self, history: Histories, item: int) -> FloatArray:
        """Shares of those members that explain, by their weight."""
        self._first_that("explain")
        total = np.zeros(len(history))
        for name, member in self._members.items():
            if "explain" in member.capabilities:
                added = np.maximum(member._contributions(history, item), 0.0)
                if added.sum() > 0:
                    total += self.config.members[name].weight * added / added.sum()
        return total

    def _first_that(self, capability: Capability) -> Recommender[Any]:
        for member in self._members.values():
            if capability in member.capabilities:
                return member
        raise UnsupportedError(
            f"no member of the blend has the capability {capability}", hint="add sar or itemknn"
        )

    def _state(self) -> dict[str, np.ndarray]:
        return {
            f"{name}/{key}": array
            for name, member in self._members.items()
            for key, array in member._state().items()
        }

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        for name, member in self._members.items():
            start = f"{name}/"
            own = {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}
            if not own:
                raise BundleError(f"the blend's member {name!r} is not in the artefact")
            member._vocabulary, member._popularity = self._vocabulary, self._popularity
            member._restore(own)


def _standard_scores(scores: Float64Array) -> Float64Array:
    """Rows with mean 0 and deviation 1; all 0 where they prefer nothing. In place."""
    _fill_lowest(scores)
    flat = scores.min(axis=1) == scores.max(axis=1)
    # The largest becomes 1 first, or the squares of scores near 1e-200 would be 0.
    largest = np.abs(scores).max(axis=1, keepdims=True)
    scores /= np.where(largest == 0, 1.0, largest)
    scores -= scores.mean(axis=1, keepdims=True)
    deviation = scores.std(axis=1, keepdims=True)
    deviation[flat] = np.inf
    scores /= deviation
    scores[flat] = 0.0  # what the mean's rounding left is no preference
    return scores


def _standard_ranks(scores: Float64Array) -> Float64Array:
    """Rows from 1 for the best to 0 for the worst."""
    _fill_lowest(scores)
    ranks = rankdata(scores, method="average", axis=1)
    return np.asarray((ranks - 1.0) / max(1, scores.shape[1] - 1))


def _fill_lowest(scores: Float64Array) -> None:
    """NaN becomes its row's lowest number, or 0 in a row without numbers. In place."""
    missing = np.isnan(scores)
    if missing.any():
        lowest = np.where(missing, np.inf, scores).min(axis=1, keepdims=True)
        np.copyto(scores, np.where(np.isinf(lowest), 0.0, lowest), where=missing)

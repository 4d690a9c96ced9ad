"""Gradient-boosted trees by LightGBM: the strong and interpretable reference on columns.

    F_m = F_{m-1} + eta * tree_m,  tree_m fitted to the gradient and curvature of the loss

The loss is log loss for clicks, squared error for ratings, and LambdaMART's for ranking:
pairs of one group weighed by what their exchange would change in NDCG. Categories with few
values are split by LightGBM's own search over sets of values; those with many are ordered by
frequency. A new user or item is a row like any other: what is missing or unseen has a side of
its own at each split.

Sources: Friedman 2001, "Greedy function approximation: a gradient boosting machine", Annals of
Statistics 29; Ke et al. 2017, "LightGBM", NeurIPS; Burges 2010, "From RankNet to LambdaRank to
LambdaMART", MSR-TR-2010-82.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from palate._optional import require
from palate.errors import BundleError
from palate.features.columns import Columns, Encoded
from palate.models.click import ClickConfig, ClickModel
from palate.models.click_rows import Part
from palate.models.config import Dimension, Range
from palate.models.threads import thread_count
from palate.models.tree_table import TreeTable
from palate.types import Float64Array, Progress

__all__ = ["Boosted", "BoostedConfig"]

EXTRA = "trees"
OBJECTIVES = {
    "click": ("binary", "binary_logloss"),
    "rating": ("regression", "l2"),
    "rank": ("lambdarank", "ndcg"),
}
NDCG_AT = 10


class BoostedConfig(ClickConfig):
    """LightGBM's hyperparameters that matter, under their own names where they have one.

    The defaults work for ratings on MovieLens 100K and for clicks on KuaiRand, where smaller
    steps and a higher penalty gain 0.001 AUC.
    """

    eta: float = Field(default=0.05, gt=0, le=1, description="eta, shrinkage of each tree.")
    num_leaves: int = Field(default=31, ge=2, le=4096, description="Leaves of a tree.")
    min_data_in_leaf: int = Field(default=50, ge=1, description="Rows that a leaf needs.")
    lambda_l2: float = Field(default=1.0, ge=0, description="Penalty on leaf values.")
    feature_fraction: float = Field(
        default=0.8, gt=0, le=1, description="Share of the columns that each tree looks at."
    )
    bagging_fraction: float = Field(
        default=0.8, gt=0, le=1, description="Share of the rows that each tree looks at."
    )
    rounds: int = Field(default=1000, ge=1, description="Most trees.")
    patience: int = Field(
        default=50, ge=1, description="Trees without a better validation loss before it stops."
    )
    max_categories: int = Field(
        default=256, ge=2, description="Values of a category that is split as a set of values."
    )
    max_values: int = Field(
        default=64, ge=2, description="Columns for a field of several values: its most frequent."
    )

    space: ClassVar[dict[str, Dimension]] = {
        "eta": Range(0.02, 0.2, log=True),
        "num_leaves": Range(7, 127, log=True, integer=True),
        "min_data_in_leaf": Range(10, 500, log=True, integer=True),
        "lambda_l2": Range(0.1, 100.0, log=True),
        "feature_fraction": Range(0.3, 1.0),
    }


class Boosted(ClickModel[BoostedConfig]):
    """Trees, each correcting those before it; `importances` says which columns they split on."""

    name = "boosted"
    Config = BoostedConfig
    tasks = frozenset({"click", "rating", "rank"})

    _booster: Any  # lightgbm.Booster, whose types are not strict
    _table: TreeTable

    def _learn(
        self,
        columns: Columns,
        part: Part,
        held: Part | None,
        rounds: int | None,
        progress: Progress | None,
    ) -> int:
        lightgbm = require("lightgbm", extra=EXTRA)
        config = self.config
        self._table = TreeTable.of(columns, max_values=config.max_values)
        most = config.rounds if rounds is None else rounds
        train = self._dataset(lightgbm, part, None)
        watched = [] if held is None else [self._dataset(lightgbm, held, train)]
        callbacks = [] if progress is None else [_reporter(progress, most)]
        if held is not None:
            callbacks.append(lightgbm.early_stopping(config.patience, verbose=False))
        booster = lightgbm.train(
            self._parameters(), train, most, valid_sets=watched, callbacks=callbacks
        )
        best = most if held is None else booster.best_iteration
        # The text is what is saved; reading it back now makes fitted and loaded models one.
        text = booster.model_to_string(num_iteration=best)
        self._booster = lightgbm.Booster(model_str=text)
        return int(best)

    def _parameters(self) -> dict[str, Any]:
        config = self.config
        objective, metric = OBJECTIVES[config.task]
        return {
            "objective": objective,
            "metric": metric,
            "eval_at": [NDCG_AT],  # one figure alone: any of several standing still would stop
            "learning_rate": config.eta,
            "num_leaves": config.num_leaves,
            "min_data_in_leaf": config.min_data_in_leaf,
            "lambda_l2": config.lambda_l2,
            "feature_fraction": config.feature_fraction,
            "bagging_fraction": config.bagging_fraction,
            "bagging_freq": 1,
            "max_cat_to_onehot": 4,
            "cat_smooth": 20.0,
            "seed": config.seed,
            "deterministic": True,
            "force_row_wise": True,  # the other layout would be chosen by timing
            "num_threads": thread_count(),
            "verbosity": -1,
        }

    def _dataset(self, lightgbm: Any, part: Part, reference: Any) -> Any:
        """LightGBM's own; rows of one group together, as its ranking needs them."""
        matrix, labels = self._table.matrix(part.rows), part.labels
        sizes = None
        if part.groups is not None:
            order = np.argsort(part.groups, kind="stable")
            matrix, labels = matrix[order], labels[order]
            counts = np.bincount(part.groups)
            sizes = counts[counts > 0]
        return lightgbm.Dataset(
            matrix,
            label=labels,
            group=sizes,
            reference=reference,
            categorical_feature=self._categorical(),
            free_raw_data=True,
        )

    def _categorical(self) -> list[int]:
        table = self._table
        sizes = np.diff(table.offsets)
        few = self.config.max_categories
        return [column for column in table.codes if sizes[table.fields[column]] <= few]

    def _answer(self, rows: Encoded) -> Float64Array:
        matrix = self._table.matrix(rows)
        if not len(matrix):
            return np.empty(0)
        found = self._booster.predict(matrix, num_threads=thread_count())
        return np.asarray(found, np.float64)

    def _importances(self) -> Float64Array:
        gains = self._booster.feature_importance(importance_type="gain")
        return np.asarray(self._table.by_field(gains), np.float64)

    def _files(self) -> dict[str, bytes]:
        return {"booster.txt": self._booster.model_to_string().encode()}

    def _restore(self, columns: Columns, files: dict[str, bytes]) -> None:
        lightgbm = require("lightgbm", extra=EXTRA)
        text = files["booster.txt"].decode()
        try:
            self._booster = lightgbm.Booster(model_str=text)
        except lightgbm.basic.LightGBMError as error:
            raise BundleError(f"booster.txt is no LightGBM model: {error}") from error
        self._table = TreeTable.of(columns, max_values=self.config.max_values)
        if self._booster.num_feature() != self._table.width:
            raise BundleError("booster.txt is of other columns than the model's")
        objective, _ = OBJECTIVES[self.config.task]
        said = next((line for line in text.splitlines() if line.startswith("objective=")), "")
        if said.removeprefix("objective=").split(" ")[0] != objective:
            raise BundleError(
                f"booster.txt was not fitted for task {self.config.task!r}",
                hint="its config is not the one that it was fitted with: fit and save it again",
            )


def _reporter(progress: Progress, most: int) -> Any:
    def report(environment: Any) -> None:
        progress(environment.iteration + 1, most, "boosted trees")

    return report

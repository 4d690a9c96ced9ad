"""Random forest by scikit-learn: many deep trees on resampled rows, averaged.

    y(x) = 1/B sum_b tree_b(x),  tree_b grown on a bootstrap sample, each split looking at a
    random share of the columns

A click's probability is the mean over the trees of the share of clicks in the leaf. It has
no rounds to stop: more trees never overfit, they only cost. The fitted trees are kept as
arrays and answered by a compiled loop, so a loaded forest needs no scikit-learn. A new user or
item is a row like any other: what is missing or unseen has a side of its own at each split.

Source: Breiman 2001, "Random forests", Machine Learning 45; importances are its mean decrease
in impurity, which favours numbers and categories with many values (Strobl et al. 2007, "Bias
in random forest variable importance measures", BMC Bioinformatics 8).
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from palate._optional import require
from palate.errors import BundleError, DataError
from palate.features.columns import Columns, Encoded
from palate.models.arrays import from_npz, to_npz
from palate.models.click import ClickConfig, ClickModel
from palate.models.click_rows import Part
from palate.models.config import Dimension, Range
from palate.models.kernels.forest import forest_means
from palate.models.threads import in_parts, thread_count
from palate.models.tree_table import TreeTable
from palate.types import Float64Array, Progress

__all__ = ["Forest", "ForestConfig"]

EXTRA = "trees"
NODES = ("left", "right", "column", "threshold", "missing_left", "value")
ROWS = 1 << 13  # answered by a thread at once


class ForestConfig(ClickConfig):
    """The forest's hyperparameters. `validation` and what goes with it are not used.

    The defaults work for clicks on KuaiRand; on MovieLens, where ids say nearly everything,
    a forest is behind a linear model.
    """

    trees: int = Field(default=200, ge=1, description="B, trees.")
    min_data_in_leaf: int = Field(default=20, ge=1, description="Rows that a leaf needs.")
    max_depth: int | None = Field(default=None, ge=1, description="Splits above a leaf at most.")
    column_share: float = Field(
        default=0.3, gt=0, le=1, description="Share of the columns that each split looks at."
    )
    max_values: int = Field(
        default=64, ge=2, description="Columns for a field of several values: its most frequent."
    )

    space: ClassVar[dict[str, Dimension]] = {
        "min_data_in_leaf": Range(3, 200, log=True, integer=True),
        "column_share": Range(0.1, 1.0),
    }


class Forest(ClickModel[ForestConfig]):
    """Averaged trees; `importances` says which columns make their leaves pure."""

    name = "forest"
    Config = ForestConfig
    in_rounds = False

    _table: TreeTable
    _roots: np.ndarray  # (n_trees,) int32
    _nodes: tuple[np.ndarray, ...]  # as NODES names them
    _gains: Float64Array  # (width,)

    def _learn(
        self,
        columns: Columns,
        part: Part,
        held: Part | None,
        rounds: int | None,
        progress: Progress | None,
    ) -> int:
        ensemble = require("sklearn.ensemble", extra=EXTRA)
        config = self.config
        self._table = TreeTable.of(columns, max_values=config.max_values)
        click = config.task == "click"
        maker = ensemble.RandomForestClassifier if click else ensemble.RandomForestRegressor
        forest = maker(
            n_estimators=config.trees,
            min_samples_leaf=config.min_data_in_leaf,
            max_depth=config.max_depth,
            max_features=config.column_share,
            random_state=config.seed,
            n_jobs=thread_count(),
        )
        forest.fit(self._table.matrix(part.rows), part.labels)
        self._keep(forest, click=click)
        if progress is not None:
            progress(config.trees, config.trees, "random forest")
        return config.trees

    def _keep(self, forest: Any, *, click: bool) -> None:
        """The trees one after another, node numbers shifted."""
        trees = [one.tree_ for one in forest.estimators_]
        sizes = [tree.node_count for tree in trees]
        starts = np.cumsum([0, *sizes[:-1]])
        if starts[-1] + sizes[-1] > np.iinfo(np.int32).max:
            raise DataError("the forest has over 2^31 nodes", hint="raise min_data_in_leaf")

        def joined(parts: list[np.ndarray], dtype: type) -> np.ndarray:
            return np.concatenate(parts).astype(dtype)

        def shifted(name: str) -> np.ndarray:
            children = [getattr(tree, name) for tree in trees]
            return joined(
                [np.where(c >= 0, c + s, -1) for c, s in zip(children, starts, strict=True)],
                np.int32,
            )

        self._roots = starts.astype(np.int32)
        self._nodes = (
            shifted("children_left"),
            shifted("children_right"),
            joined([tree.feature for tree in trees], np.int32),
            joined([tree.threshold for tree in trees], np.float64),
            joined([tree.missing_go_to_left for tree in trees], np.bool_),
            # (nodes, 1, classes) shares of the classes; (nodes, 1, 1) means of numbers
            joined([tree.value[:, 0, 1 if click else 0] for tree in trees], np.float64),
        )
        self._gains = np.asarray(forest.feature_importances_, np.float64)

    def _answer(self, rows: Encoded) -> Float64Array:
        out = np.empty(len(rows))
        matrix = self._table.matrix(rows)

        def some(start: int, stop: int) -> None:
            forest_means(matrix[start:stop], self._roots, self._nodes, out[start:stop])

        in_parts(some, len(rows), ROWS, threads=thread_count())
        return out

    def _importances(self) -> Float64Array:
        return np.asarray(self._table.by_field(self._gains), np.float64)

    def _files(self) -> dict[str, bytes]:
        arrays = dict(zip(NODES, self._nodes, strict=True))
        click = np.array([self.config.task == "click"])
        whole = {**arrays, "roots": self._roots, "gains": self._gains, "click": click}
        return {"state.npz": to_npz(whole)}

    def _restore(self, columns: Columns, files: dict[str, bytes]) -> None:
        state = from_npz(files["state.npz"])
        self._table = TreeTable.of(columns, max_values=self.config.max_values)
        self._roots, self._gains = state["roots"], state["gains"]
        self._nodes = tuple(state[name] for name in NODES)
        if len(self._gains) != self._table.width:
            raise BundleError("state.npz is of other columns than the model's")
        click = self.config.task == "click"
        if len(self._roots) != self.config.trees or state["click"].tolist() != [click]:
            raise BundleError(
                f"state.npz is not of {self.config.trees} trees for task {self.config.task!r}",
                hint="its config is not the one that it was fitted with: fit and save it again",
            )

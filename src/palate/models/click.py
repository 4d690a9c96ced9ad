"""The contract of a model of rows: what will come of this user, this item, in this context.

A recommender ranks items from histories alone; a click model reads a table with one row an
exposure, features in columns, and gives each row a probability (or a rating, or a ranking
score). It is judged by AUC, GAUC and log loss, and ranks candidates in a pipeline.

    model = FM(specs_of(schema.items, side="item"), FMConfig(k=8))
    model.fit(train, "is_click")
    model.predict(test)              # (n,) float64
    model.save(folder); FM.load(folder)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Generic, Self, TypeVar, cast

import numpy as np
import polars as pl
from narwhals.typing import IntoDataFrame
from pydantic import Field

from palate.data.frames import to_polars
from palate.errors import BundleError, ConfigError, NotFittedError, UnsupportedError
from palate.features.columns import Columns, ColumnSpec, Encoded
from palate.models import click_files
from palate.models.click_rows import Cut, Labelled, Part, Task
from palate.models.config import ModelConfig
from palate.types import Float64Array, Progress

__all__ = ["ClickConfig", "ClickModel"]

ConfigT = TypeVar("ConfigT", bound="ClickConfig")


class ClickConfig(ModelConfig):
    """What every click model's config has."""

    task: Task = Field(
        default="click",
        description="click: labels 0 and 1, answers are probabilities; rating: numbers, answers "
        "in their units; rank: grades, answers order the rows of one group.",
    )
    validation: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="Share of the rows of fit that decides when to stop; 0 trains all rounds.",
    )
    cut: Cut = Field(
        default="random", description="Which rows those are; last where the table is in time order."
    )
    refit: bool = Field(
        default=True, description="Then learn from all rows again, for the rounds found best."
    )
    group: str | None = Field(
        default=None, description="Task rank: the column whose equal values are one list."
    )
    seed: int = Field(default=42, ge=0, description="Of the cut, of orders and starts.")


class ClickModel(ABC, Generic[ConfigT]):
    """A model over typed columns.

    The laws, checked by `palate.testing.click_models.ClickModelConformance`:

    1. `predict` gives one finite number for every row, in order; a probability for clicks.
    2. What a row gets does not depend on the rows beside it.
    3. `load(save(model))` predicts the same to the last bit.
    4. `fit` twice with one seed predicts the same.
    5. A value never seen, or missing, is answered like any other.

    A subclass sets `name`, `Config` and `tasks`, and writes `_learn`, `_answer`, `_files` and
    `_restore`. Unlike a `Recommender` it may take a user's id as a column, and then keeps a row
    for that user: such a model is for judging, and for services that may hold user rows.

    Args:
        columns: The fields, in order.
        config: Hyperparameters.

    Raises:
        ConfigError: The model cannot do the config's task.
    """

    name: ClassVar[str]
    Config: ClassVar[type[ClickConfig]]
    tasks: ClassVar[frozenset[str]] = frozenset({"click", "rating"})
    in_rounds: ClassVar[bool] = True  # it learns in rounds, and validation says how many

    config: ConfigT

    def __init__(self, columns: Sequence[ColumnSpec], config: ConfigT | None = None) -> None:
        self.specs = tuple(columns)
        self.config = config if config is not None else cast(ConfigT, type(self).Config())
        if self.config.task not in self.tasks:
            raise ConfigError(
                f"{self.name} cannot do task {self.config.task!r}",
                hint=f"it does {', '.join(sorted(self.tasks))}",
            )
        if (self.config.task == "rank") != (self.config.group is not None):
            raise ConfigError(f"{self.name}: task = 'rank' and group go together")
        self._columns: Columns | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.specs)} columns, {self.config!r})"

    # ------------------------------------------------------------------ to be written

    @abstractmethod
    def _learn(
        self,
        columns: Columns,
        part: Part,
        held: Part | None,
        rounds: int | None,
        progress: Progress | None,
    ) -> int:
        """Learn from `part`.

        Args:
            columns: Fitted on the rows of `part`.
            part: Rows, labels and groups.
            held: Decides when to stop; None to train all `rounds`.
            rounds: How many; None for what the config says.
            progress: Called after each round.

        Returns:
            The rounds that were best.
        """

    @abstractmethod
    def _answer(self, rows: Encoded) -> Float64Array:
        """(n,) float64."""

    @abstractmethod
    def _files(self) -> dict[str, bytes]:
        """What was learned, by file name."""

    @abstractmethod
    def _restore(self, columns: Columns, files: dict[str, bytes]) -> None:
        """Take back what `_files` gave, over the columns that it was learned with."""

    def _importances(self) -> Float64Array:
        """(n_fields,) float64, at least 0."""
        raise UnsupportedError(
            f"{self.name} does not weigh its columns", hint="use boosted or forest"
        )

    # ------------------------------------------------------------------ public

    def fit(
        self,
        frame: IntoDataFrame,
        label: str,
        *,
        validation: IntoDataFrame | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Learn from rows that have a label.

        Args:
            frame: One row an exposure, the columns and the label among them.
            label: Its column.
            validation: Rows that decide when to stop, and are not learned from; by default a
                share of `frame`, as the config says.
            progress: Called after each round.

        Raises:
            DataError: A column is missing or holds what its kind cannot; a label is missing,
                NaN, or of no use for the task; all labels of clicks are alike. The model is
                then not fitted.
        """
        self._columns = None
        config = self.config
        whole = Labelled.of(to_polars(frame), label, config.task, config.group)
        train, held = whole, None
        cutting = validation is None and self.in_rounds and config.validation > 0
        if validation is not None:
            held = Labelled.of(to_polars(validation), label, config.task, config.group)
        elif cutting:
            train, held = whole.cut(config.validation, config.cut, config.seed)
        columns, rounds = self._learned(train, held, None, progress)
        if cutting and config.refit:
            columns, _ = self._learned(whole, None, rounds, progress)
        self._columns = columns
        return self

    def predict(self, frame: IntoDataFrame) -> Float64Array:
        """(n,) float64 for the rows of `frame`: probabilities, ratings or ranking scores.

        Raises:
            NotFittedError: Before `fit` or `load`.
            DataError: A column is missing or holds what its kind cannot.
        """
        return self._answer(self.columns.encode(frame))

    @property
    def columns(self) -> Columns:
        """The fitted columns.

        Raises:
            NotFittedError: Before `fit` or `load`.
        """
        if self._columns is None:
            raise NotFittedError(f"{self.name} is not fitted", hint="call fit or load first")
        return self._columns

    def importances(self) -> pl.DataFrame:
        """How much each column is used: `column`, `share`, largest first; shares add up to 1.

        Raises:
            UnsupportedError: The model has no notion of it.
        """
        names = [spec.name for spec in self.columns.specs]
        found = self._importances()
        total = found.sum()
        shares = found / total if total > 0 else np.zeros(len(names))
        frame = pl.DataFrame({"column": names, "share": shares})
        return frame.sort(["share", "column"], descending=[True, False])

    def save(self, folder: Path) -> None:
        """Write the model to an empty or new `folder`, without pickle; see `click_files`."""
        click_files.write(
            folder,
            name=self.name,
            config=self.config,
            columns=self.columns,
            files=self._files(),
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            BundleError: The folder holds no such model, a damaged one, or one of another config.
        """
        read = click_files.read(folder, name=cls.name, config=cls.Config)
        model = cls(read.columns.specs, cast(ConfigT, read.config))
        try:
            model._restore(read.columns, read.files)
        except (KeyError, IndexError, ValueError) as error:
            raise BundleError(
                f"{folder} holds a {cls.name} of another version: {error}",
                hint="fit and save it again",
            ) from error
        model._columns = read.columns
        return model

    # ------------------------------------------------------------------ private

    def _learned(
        self,
        train: Labelled,
        held: Labelled | None,
        rounds: int | None,
        progress: Progress | None,
    ) -> tuple[Columns, int]:
        """The columns fitted on `train`, and the rounds that were best."""
        if self.config.task == "click":
            train.check_classes()
        columns = Columns.fit(train.table, self.specs)
        beside = None if held is None else held.part(columns)
        return columns, self._learn(columns, train.part(columns), beside, rounds, progress)

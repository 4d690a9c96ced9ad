"""What came of a comparison: rows in order of merit, and all it takes to judge them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl
from rich.table import Table

from palate.errors import DataError, PalateError
from palate.evaluate.environment import Environment
from palate.evaluate.judgement import Judgement
from palate.evaluate.protocol import Protocol
from palate.models.base import Recommender
from palate.stats import Interval
from palate.types import Int64Array

__all__ = ["Background", "Comparison", "DataCard", "Pair", "Row"]


@dataclass(frozen=True)
class DataCard:
    """The data of a comparison: enough to say whether two comparisons had the same.

    Attributes:
        name: As given by whoever made the dataset.
        checksum: SHA-256 over train and test, hexadecimal.
        users: In the training or the test part.
        items: In the vocabulary.
        train_rows: Interactions that models may learn from.
        test_rows: Interactions that they were judged on.
    """

    name: str
    checksum: str
    users: int
    items: int
    train_rows: int
    test_rows: int


@dataclass(frozen=True)
class Background:
    """What the report sets recommendations against.

    Attributes:
        activity: (n_users judged,) int64 training interactions of each judged user.
        train_counts: (n_items,) int64 training interactions of each item.
        test_counts: (n_items,) int64 test interactions of each item.
    """

    activity: Int64Array
    train_counts: Int64Array
    test_counts: Int64Array


@dataclass(frozen=True)
class Pair:
    """Two models on the same users, by the protocol's main metric.

    Attributes:
        first: The better one.
        second: The other.
        difference: Mean of first minus second over users, with its bootstrap interval.
        p_value: Of the paired sign-flip test, corrected by Holm over all pairs of the
            comparison: the best was chosen by the same data, so testing it against the
            others alone would flatter it.
    """

    first: str
    second: str
    difference: Interval
    p_value: float


@dataclass(frozen=True)
class Row:
    """One model of a comparison.

    Attributes:
        name: As the comparison calls it.
        model: The model's registered name.
        config: Its hyperparameters.
        fit_s: Seconds to fit on the training part; None where it failed before, or was judged
            as it is.
        memory_mib: Peak memory of fit and recommend above the start; None where unknown.
        judgement: None where the model failed.
        error: Why, in the words of the exception.
    """

    name: str
    model: str
    config: Mapping[str, Any]
    fit_s: float | None = None
    memory_mib: float | None = None
    judgement: Judgement | None = None
    error: str | None = None


@dataclass(frozen=True)
class Comparison:
    """Several models under one protocol, best first, those that failed last.

    Attributes:
        rows: One a model.
        pairs: Every two models that did not fail, the better one first.
        protocol: What all were judged by.
        data: What all were judged on.
        background: Activity and popularity in the data.
        environment: Where the seconds and mebibytes were measured.
        started_at: UTC.
        fitted: The models, fitted on the training part only.
    """

    rows: tuple[Row, ...]
    pairs: tuple[Pair, ...]
    protocol: Protocol
    data: DataCard
    background: Background = field(repr=False)
    environment: Environment
    started_at: datetime
    fitted: Mapping[str, Recommender[Any]] = field(repr=False)

    @property
    def judged(self) -> tuple[tuple[Row, Judgement], ...]:
        """The rows that did not fail, with their judgements."""
        return tuple((row, row.judgement) for row in self.rows if row.judgement is not None)

    @property
    def best(self) -> Row:
        """The row on top.

        Raises:
            PalateError: Every model failed.
        """
        if not self.judged:
            failures = "; ".join(f"{row.name}: {row.error}" for row in self.rows)
            raise PalateError(f"every model failed: {failures}", hint="correct one of them")
        return self.judged[0][0]

    def row(self, name: str) -> Row:
        """The row of the model called `name`."""
        for row in self.rows:
            if row.name == name:
                return row
        raise DataError(f"no row is called {name!r}", hint=", ".join(r.name for r in self.rows))

    def pair(self, one: str, other: str) -> Pair | None:
        """The two models' paired difference, better one first; None where one failed."""
        wanted = {one, other}
        return next((pair for pair in self.pairs if {pair.first, pair.second} == wanted), None)

    def to_frame(self) -> pl.DataFrame:
        """One row a model, one column a figure, `<metric>_low` and `<metric>_high` beside it."""
        from palate.evaluate import render

        return render.to_frame(self)

    def to_table(self) -> Table:
        """For the terminal."""
        from palate.evaluate import render

        return render.to_table(self)

    def to_markdown(self) -> str:
        """A table for a README or an issue."""
        from palate.evaluate import render

        return render.to_markdown(self)

    def to_json(self) -> str:
        """Everything except the per-user arrays and the models."""
        from palate.evaluate import render

        return render.to_json(self)

    def to_html(self) -> str:
        """The report: one file that needs nothing else and runs no script."""
        from palate.evaluate.report.page import render_page

        return render_page(self)

"""What deep click models share: one embedding table, training, scoring in numpy, calibration.

All of them read the typed columns of `features/columns`: every value, knot or hash bucket of
every column is a row of one table, and a field's embedding is the weighted sum of its entries'
rows. What differs is what is made of the embeddings.

    model = DeepFM(columns, DeepFMConfig(k=16))
    model.fit(train, "is_click")     # needs palate[train]
    model.predict(test)              # needs it no longer; nor does load
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, TypeVar

import numpy as np
from pydantic import Field, PositiveInt
from scipy.special import expit, logit

from palate._optional import require
from palate.errors import BundleError, DataError, NotFittedError
from palate.features.columns import Columns, Encoded
from palate.models.arrays import from_npz, to_npz
from palate.models.click import ClickConfig, ClickModel
from palate.models.click_rows import Part
from palate.models.click_shape import Shape
from palate.models.config import Choice, Dimension, Range
from palate.models.platt import AS_IT_IS, platt
from palate.models.threads import in_parts, thread_count
from palate.train.settings import TrainConfig
from palate.types import Float32Array, Float64Array, Progress

if TYPE_CHECKING:
    from palate.models.nets.click_net import ClickNet

__all__ = ["Arrays", "DeepClick", "DeepClickConfig", "Scorer"]

Arrays: TypeAlias = dict[str, np.ndarray]
Scorer: TypeAlias = Callable[[Encoded], Float32Array]
"""(n,) float32 answers of rows, before calibration: log odds, or standardised ratings."""

ConfigT = TypeVar("ConfigT", bound="DeepClickConfig")
ROWS = 1024  # scored at once by a thread
STATE = "state.npz"


class DeepClickConfig(ClickConfig, TrainConfig):
    """What every deep click model's config has. Defaults suit clicks on Frappe."""

    k: int = Field(default=16, ge=1, le=1024, description="k, width of an embedding.")
    hidden: tuple[PositiveInt, ...] = Field(
        default=(256, 128), min_length=1, description="Units of each dense layer."
    )
    dropout: float = Field(
        default=0.2, ge=0, lt=1, description="Share of hidden units that a step leaves out."
    )
    batch_norm: bool = Field(default=True, description="Hidden layers are normalised.")
    lambda_v: float = Field(
        default=1e-3,
        ge=0,
        description="lambda of the whole table, every step: Adam, which scales gradients, then "
        "shrinks most what few rows speak for.",
    )
    sigma: float = Field(
        default=0.01, gt=0, description="sigma, deviation of the first embeddings."
    )
    average: float = Field(
        default=0.995,
        ge=0,
        lt=1,
        description="Decay, a step, of the running mean of the weights, by which it answers; "
        "0: the last weights.",
    )
    numbers: bool = Field(
        default=True,
        description="Dense layers also see the numbers themselves, standardised, 0 if missing.",
    )
    stop_by: Literal["auc", "loss"] = Field(
        default="auc", description="What the validation rows are judged by; ratings: loss."
    )
    calibrate: bool = Field(
        default=True, description="Clicks: a line through the log odds, from the validation rows."
    )

    space: ClassVar[dict[str, Dimension]] = {
        "k": Choice((8, 16, 32)),
        "hidden": Choice(((64,), (128, 64), (256, 128), (400, 400))),
        "dropout": Range(0.0, 0.5),
        "lambda_v": Range(1e-5, 1e-1, log=True),
        "learning_rate": Range(3e-4, 3e-3, log=True),
    }


class DeepClick(ClickModel[ConfigT]):
    """A net over typed columns, trained with torch and scored without.

    A subclass writes `_net`, which makes the torch module, and `_scorer`, which scores by the
    arrays that the module's `arrays()` gave: equal to its forward within 1e-4.
    """

    _arrays: Arrays
    _score: Scorer
    _line: tuple[float, float]  # of calibration: slope and intercept
    _ends: tuple[float, float, float, float]  # of the labels: mean, deviation, least, most

    @abstractmethod
    def _net(self, shape: Shape) -> ClickNet:
        """The torch module, with its starting weights; imported here, late."""

    @abstractmethod
    def _scorer(self, arrays: Arrays) -> Scorer:
        """What scores by `arrays`.

        Args:
            arrays: What the net's `arrays()` gave.

        Raises:
            KeyError: One is missing.
            ValueError: Their shapes do not fit each other.
        """

    def _extra(self, rows: Encoded) -> Encoded | None:
        """Further entries of the same rows that the net's batches hold too."""
        return None

    def _learn(
        self,
        columns: Columns,
        part: Part,
        held: Part | None,
        rounds: int | None,
        progress: Progress | None,
    ) -> int:
        require("torch", extra="train")
        from palate.models.nets import click_training

        config = self.config
        if rounds is not None:
            config = config.model_copy(update={"epochs": rounds, "patience": 0})
        self._ends = _ends(part.labels)
        shape = Shape.of(part.rows, self._first(part.labels))
        job = click_training.Job(
            lambda: self._net(shape),
            config,
            self._targets(part),
            None if held is None else self._targets(held),
            progress,
            self._extra,
        )
        arrays, best = click_training.learned(job)
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise DataError(
                f"{self.name} diverged: a weight is no longer finite",
                hint="lower learning_rate, or set clip_norm to 1",
            )
        self._take(arrays, columns)
        if rounds is None:  # the second fit, on all rows, keeps what held rows taught the first
            self._line = self._calibrated(held)
        return best

    def _first(self, labels: Float32Array) -> float:
        return float(logit(labels.mean(dtype=np.float64))) if self._clicks else 0.0

    @property
    def _clicks(self) -> bool:
        return self.config.task == "click"

    def _targets(self, part: Part) -> Part:
        """Ratings standardised, so that settings mean the same on every scale."""
        if self._clicks:
            return part
        mean, deviation, *_ = self._ends
        labels = ((part.labels - mean) / deviation).astype(np.float32)
        return Part(part.rows, labels, part.groups)

    def _calibrated(self, held: Part | None) -> tuple[float, float]:
        if held is None or not self._clicks or not self.config.calibrate:
            return AS_IT_IS
        return platt(self._raw(held.rows), held.labels)

    def _raw(self, rows: Encoded) -> Float64Array:
        """(n,) float64, before calibration."""
        out = np.empty(len(rows))

        def work(start: int, stop: int) -> None:
            out[start:stop] = self._score(_span(rows, start, stop))

        in_parts(work, len(rows), ROWS, threads=thread_count())
        return out

    def _answer(self, rows: Encoded) -> Float64Array:
        raw = self._raw(rows)
        if self._clicks:
            slope, intercept = self._line
            return np.asarray(expit(slope * raw + intercept))
        mean, deviation, least, most = self._ends
        return np.clip(raw * deviation + mean, least, most)

    def _files(self) -> dict[str, bytes]:
        arrays = {f"net.{name}": array for name, array in self._arrays.items()}
        more = {"line": np.array(self._line), "ends": np.array(self._ends)}
        return {STATE: to_npz({**arrays, **more})}

    def _restore(self, columns: Columns, files: dict[str, bytes]) -> None:
        state = from_npz(files[STATE])
        slope, intercept = state.pop("line").tolist()
        self._line = slope, intercept
        mean, deviation, least, most = state.pop("ends").tolist()
        self._ends = mean, deviation, least, most
        self._take({name.removeprefix("net."): array for name, array in state.items()}, columns)

    def _take(self, arrays: Arrays, columns: Columns) -> None:
        if len(arrays["table"]) != columns.n_features:
            raise BundleError(f"{STATE} is of other columns than the model's")
        self._arrays = arrays
        self._score = self._scorer(arrays)

    def arrays(self) -> Arrays:
        """What was learned, by the layers' names; not to be changed.

        Raises:
            NotFittedError: Before `fit` or `load`.
        """
        if self._columns is None:
            raise NotFittedError(f"{self.name} is not fitted", hint="call fit or load first")
        return self._arrays


def _ends(labels: Float32Array) -> tuple[float, float, float, float]:
    """Mean, deviation (1 where all are equal), least and most."""
    exact = labels.astype(np.float64)
    least, most = float(exact.min()), float(exact.max())
    deviation = float(exact.std()) if most > least else 1.0
    return float(exact.mean()) if most > least else least, deviation, least, most


def _span(rows: Encoded, start: int, stop: int) -> Encoded:
    """Adjacent rows, without a copy."""
    first, last = rows.indptr[start], rows.indptr[stop]
    return Encoded(
        rows.indptr[start : stop + 1] - first,
        rows.indices[first:last],
        rows.weights[first:last],
        rows.numbers[start:stop],
        rows.offsets,
    )

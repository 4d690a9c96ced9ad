r"""Factorisation machines: every pair of features interacts through k factors.

    y(x) = w0 + sum_i w_i x_i + sum_{i<j} <v_i, v_j> x_i x_j
         = w0 + sum_i w_i x_i + 1/2 sum_f [ (sum_i v_if x_i)^2 - sum_i v_if^2 x_i^2 ]

The second form needs O(k m) steps for m entries instead of O(k m^2). A click's probability is
1 / (1 + exp(-y)), learned by log loss; a rating is y within the range of training, learned by
squared error. With k = 0 this is logistic (linear) regression, the baseline.

Each coordinate has its own step, eta / sqrt(1 + sum of its squared gradients) (AdaGrad), so
that rare features still move when frequent ones have settled. Features that training never
showed (the rows for unseen values) are 0: they add nothing, so that a new user or item is
answered from the other columns of its row.

Sources: Rendle 2010, "Factorization machines", ICDM, equation 1, lemma 3.1 and section III-C;
Duchi, Hazan and Singer 2011, "Adaptive subgradient methods", JMLR 12; the start of the sums
at 1 is that of Juan et al. 2016, "Field-aware factorization machines for CTR prediction",
RecSys, section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field
from scipy.special import expit, logit

from palate.errors import BundleError, DataError
from palate.features.columns import Columns, Encoded
from palate.models.arrays import from_npz, to_npz
from palate.models.click import ClickConfig, ClickModel
from palate.models.click_rows import Part
from palate.models.config import Choice, Dimension, Range
from palate.models.kernels.fm import fm_epoch, fm_scores
from palate.types import Float32Array, Float64Array, Progress

__all__ = ["FM", "FMConfig"]


class FMConfig(ClickConfig):
    """FM's hyperparameters, in Rendle's symbols.

    The defaults are good for clicks on Frappe, and ratings on MovieLens 100K work with them
    (`lambda_v = 0.1` is better there: a rating says less of each pair than a click).
    """

    k: int = Field(
        default=16, ge=0, le=1024, description="k, factors; 0 is logistic or linear regression."
    )
    eta: float = Field(default=0.1, gt=0, description="eta, step; 0.05 to 0.2 for clicks.")
    lambda_w: float = Field(default=1e-5, ge=0, description="lambda of w, for each entry met.")
    lambda_v: float = Field(default=1e-3, ge=0, description="lambda of v, for each entry met.")
    sigma: float = Field(default=0.05, gt=0, description="sigma, deviation of the first factors.")
    epochs: int = Field(default=50, ge=1, description="Most passes over the rows.")
    patience: int = Field(
        default=3, ge=1, description="Passes without a better validation loss before it stops."
    )

    space: ClassVar[dict[str, Dimension]] = {
        "k": Choice((4, 8, 16, 32, 64)),
        "eta": Range(0.02, 0.3, log=True),
        "lambda_w": Range(1e-6, 1e-2, log=True),
        "lambda_v": Range(1e-5, 1e-1, log=True),
    }


@dataclass(frozen=True, slots=True)
class _Machine:
    """The parameters: w0 (1,) float64, w (n_features,), v (n_features, k) float32."""

    bias: Float64Array
    w: Float32Array
    v: Float32Array

    def copy(self) -> _Machine:
        return _Machine(self.bias.copy(), self.w.copy(), self.v.copy())

    def scores(self, rows: Encoded) -> Float64Array:
        """(n,) float64, y."""
        out = np.empty(len(rows))
        fm_scores(_entries(rows), self.bias[0], self.w, self.v, out)
        return out

    @property
    def is_finite(self) -> bool:
        return all(np.isfinite(a).all() for a in (self.bias, self.w, self.v))


class FM(ClickModel[FMConfig]):
    """Every pair of columns' values counts, even a pair that training never showed together."""

    name = "fm"
    Config = FMConfig

    _machine: _Machine
    _range: tuple[float, float]  # of the labels in training

    def _learn(
        self,
        columns: Columns,
        part: Part,
        held: Part | None,
        rounds: int | None,
        progress: Progress | None,
    ) -> int:
        config = self.config
        self._range = float(part.labels.min()), float(part.labels.max())
        rng = np.random.default_rng(config.seed)
        machine = _start(part, config, rng)
        squares = (np.ones(1), np.ones_like(machine.w), np.ones_like(machine.v))
        rates = (np.float32(config.eta), np.float32(config.lambda_w), np.float32(config.lambda_v))
        entries = _entries(part.rows)
        most = config.epochs if rounds is None else rounds
        best, best_loss, best_machine = most, np.inf, machine
        for epoch in range(1, most + 1):
            order = rng.permutation(len(part.rows))
            fm_epoch(
                order,
                entries,
                part.labels,
                machine.bias,
                machine.w,
                machine.v,
                squares,
                rates,
                config.task == "click",
            )
            if not machine.is_finite:
                raise DataError(
                    f"fm diverged in pass {epoch}: a parameter is no longer finite",
                    hint="lower eta, or scale the numbers (scale = 'log', bins)",
                )
            if progress is not None:
                progress(epoch, most, "factorisation machine")
            if held is None:
                continue
            loss = self._loss(machine, held)
            if loss < best_loss:
                best, best_loss, best_machine = epoch, loss, machine.copy()
            elif epoch - best >= config.patience:
                break
        self._machine = machine if held is None else best_machine
        return best

    def _loss(self, machine: _Machine, held: Part) -> float:
        """Mean log loss of clicks, mean squared error of ratings."""
        y = machine.scores(held.rows)
        if self.config.task == "click":
            return float((np.logaddexp(0.0, y) - held.labels * y).mean())
        return float(np.square(np.clip(y, *self._range) - held.labels).mean())

    def _answer(self, rows: Encoded) -> Float64Array:
        y = self._machine.scores(rows)
        return np.asarray(expit(y) if self.config.task == "click" else np.clip(y, *self._range))

    def _files(self) -> dict[str, bytes]:
        arrays: dict[str, np.ndarray] = {
            "bias": self._machine.bias,
            "w": self._machine.w,
            "v": self._machine.v,
            "range": np.array(self._range),
            "click": np.array([self.config.task == "click"]),
        }
        return {"state.npz": to_npz(arrays)}

    def _restore(self, columns: Columns, files: dict[str, bytes]) -> None:
        state = from_npz(files["state.npz"])
        self._machine = _Machine(state["bias"], state["w"], state["v"])
        low, high = state["range"].tolist()
        self._range = low, high
        shape = (columns.n_features, self.config.k)
        if self._machine.v.shape != shape or self._machine.w.shape != shape[:1]:
            raise BundleError(
                f"state.npz has factors of shape {self._machine.v.shape}; the columns and k ask "
                f"for {shape}",
                hint="its config is not the one that it was fitted with: fit and save it again",
            )
        if state["click"].tolist() != [self.config.task == "click"]:
            raise BundleError(
                f"state.npz was not fitted for task {self.config.task!r}",
                hint="its config is not the one that it was fitted with: fit and save it again",
            )


def _entries(rows: Encoded) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return rows.indptr, rows.indices, rows.weights


def _start(part: Part, config: FMConfig, rng: np.random.Generator) -> _Machine:
    """The mean as bias, no weights, small random factors for features that some row has."""
    mean = float(part.labels.mean(dtype=np.float64))
    n = part.rows.n_features
    v = rng.normal(0.0, config.sigma, (n, config.k)).astype(np.float32)
    v[np.bincount(part.rows.indices, minlength=n) == 0] = 0
    bias = float(logit(mean)) if config.task == "click" else mean
    return _Machine(np.array([bias]), np.zeros(n, np.float32), v)

r"""SessionKNN: what people wanted in sessions like this one, without keeping their sessions.

A session neighbour s of history u speaks for its items j in the measure in which it is like
u, and j near the match (VSKNN, STAN):

    score(u, j) = sum over sessions s of  g_s * sum over matches i of w_ui * f(q - p) / C_.j^beta

    w_ui = exp(-(places from i to the end of u) / lambda1)      newer items of u count more
    g_s  = |s|^-gamma * 2^(-age of s / T)                       short and new sessions count more
    f(d) = exp(-(|d| - 1) / lambda3), times b where d < 0       j near i counts, after it most

with p and q the places of i and j in s. Nothing here ties the matches of one session
together, so that the sum over sessions can be taken first:

    C_ij = sum over s of g_s * f(q - p)       score(u, j) = sum over i of w_ui * S_ij
    S_ij = C_ij^rho / (C_i.^alpha * C_.j^beta)

alpha keeps items that stand in many sessions from drowning out the rest; rho below 1 asks
for many of u's items to agree rather than for many sessions with one of them. rho = 1 and
alpha = 0 give the sum above. C is all the model keeps: **an item by
item table, no session and no user**. The papers take the k most similar sessions (100 to
1500) in place of all. On Diginetica and Amazon Beauty the choice of k makes no difference
above 500 (`benchmarks/accuracy/sessions.py` runs both), since most items stand in fewer
sessions than that.

A new user needs one event. `partial_fit` adds further sessions at the cost of those
and one pass over the table; a new item needs a refit, and until then has no score.

Sources: Ludewig and Jannach 2018, "Evaluation of session-based recommendation algorithms",
UMUAI 28, section 3.2 (VSKNN); Garg, Gupta, Malhotra, Vig and Shroff 2019, "Sequence and time
aware neighborhood for session-based recommendations: STAN", SIGIR, section 3 (lambda1 to
lambda3; T is lambda2 * ln 2).
"""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
from pydantic import Field

from palate.data.histories import Histories
from palate.models.config import Choice, Dimension, ModelConfig, Range
from palate.models.sequences import Nearness, SequenceModel, Sequences, places_from_the_end
from palate.types import Float64Array, Int64Array

__all__ = ["SessionKNN", "SessionKNNConfig"]

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US


class SessionKNNConfig(ModelConfig):
    """SessionKNN's hyperparameters. The defaults are good on Diginetica and on MovieLens 1M."""

    lambda1: float = Field(
        default=2.0, gt=0, description="lambda1, places after which an event of u fades to 1/e."
    )
    lambda3: float = Field(
        default=4.0, gt=0, description="lambda3, places from the match after which j fades to 1/e."
    )
    b: float = Field(
        default=0.6, ge=0, description="What counts that came before the match, against after."
    )
    window: int = Field(
        default=20,
        ge=1,
        le=1000,
        description="Places from the match at most; memory grows with it.",
    )
    rho: float = Field(
        default=0.7, gt=0, le=1, description="How much many sessions that say the same add up."
    )
    alpha: float = Field(
        default=0.3, ge=0, le=1, description="How much less a match counts that many sessions have."
    )
    beta: float = Field(
        default=0.2, ge=0, le=1, description="How much an item's popularity counts against it."
    )
    gamma: float = Field(
        default=0.5, ge=0, description="How much less a long session counts; 0.5 is the cosine's."
    )
    half_life_days: float | None = Field(
        default=None,
        gt=0,
        description="T, days after which a session counts half; None: all count alike. "
        "Sessions without a time count in full.",
    )
    gap_hours: float | None = Field(
        default=None,
        gt=0,
        description="A pause after which a user's next event begins another session; None: "
        "a user's whole history is one. Events without a time begin none.",
    )

    space: ClassVar[dict[str, Dimension]] = {
        "lambda1": Range(0.5, 20.0, log=True),
        "lambda3": Range(1.0, 20.0, log=True),
        "b": Range(0.0, 1.0),
        "rho": Range(0.4, 1.0),
        "alpha": Range(0.0, 0.8),
        "beta": Range(0.0, 0.4),
        "gamma": Choice((0.0, 0.5, 1.0)),
        "half_life_days": Choice((None, 30.0, 90.0, 365.0)),
    }


class SessionKNN(SequenceModel[SessionKNNConfig]):
    """Items from sessions that share items with this one, the newest shared ones first."""

    name = "sessionknn"
    Config = SessionKNNConfig

    def _nearness(self) -> Nearness:
        c = self.config
        ahead = np.exp(-np.arange(c.window) / c.lambda3)
        return Nearness(ahead, c.b * ahead, rho=c.rho, alpha=c.alpha, beta=c.beta)

    def _sequences(self, histories: Histories) -> Sequences:
        gap = self.config.gap_hours
        return Sequences.of(histories, None if gap is None else round(gap * HOUR_US))

    def _sequence_weights(self, sequences: Sequences) -> Float64Array:
        short = np.maximum(sequences.lengths, 1).astype(np.float64) ** -self.config.gamma
        return short * self._fade(sequences.newest_us)

    def _fade(self, times: Int64Array) -> Float64Array:
        if self.config.half_life_days is None:
            return np.ones(len(times))
        age = np.where(times < 0, 0, self._newest_us - times)
        return np.exp2(age / (-self.config.half_life_days * DAY_US))

    def _entry_weights(self, histories: Histories) -> Float64Array:
        recency = np.exp(-places_from_the_end(histories) / self.config.lambda1)
        return np.where(histories.values > 0, recency, 0.0)

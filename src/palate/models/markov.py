r"""Markov: what came next, last time somebody was here.

    C_ij = sum over places where j comes d places after i, d <= D, of  delta^(d - 1)
    score(u, j) = C_ij / C_i.        with i the last item of u, C_i. the sum of its row

D = 1 is the plain first-order chain. Larger windows with delta below 1 bridge places where
somebody looked aside, as skip-grams do.

A new user needs one event. `partial_fit` adds further sequences at the cost of those
and one pass over the table; a new item needs a refit, and until then has no score.

Sources: Shani, Heckerman and Brafman 2005, "An MDP-based recommender system", JMLR 6,
section 3 (maximum likelihood chain, skipping); Ludewig and Jannach 2018, "Evaluation of
session-based recommendation algorithms", UMUAI 28, section 3.1.2 (MC, SR).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from palate.data.histories import Histories
from palate.models.config import Choice, Dimension, ModelConfig, Range
from palate.models.sequences import Nearness, SequenceModel, Sequences, places_from_the_end
from palate.types import Float64Array

__all__ = ["Markov", "MarkovConfig"]


class MarkovConfig(ModelConfig):
    """Markov's hyperparameters. The default, the plain chain, works on MovieLens 1M in order."""

    D: int = Field(default=1, ge=1, le=100, description="Places ahead that count; 1: the next.")
    delta: float = Field(
        default=0.7, gt=0, le=1, description="delta, what each further place is worth."
    )

    space: ClassVar[dict[str, Dimension]] = {
        "D": Choice((1, 2, 3, 5, 10, 20)),
        "delta": Range(0.3, 1.0),
    }


class Markov(SequenceModel[MarkovConfig]):
    """What people turned to after the item that this user touched last."""

    name = "markov"
    Config = MarkovConfig

    def _nearness(self) -> Nearness:
        ahead = self.config.delta ** np.arange(self.config.D, dtype=np.float64)
        return Nearness(ahead, np.zeros(self.config.D), rho=1.0, alpha=1.0, beta=0.0)

    def _sequences(self, histories: Histories) -> Sequences:
        return Sequences.of(histories, None)

    def _sequence_weights(self, sequences: Sequences) -> Float64Array:
        return np.ones(len(sequences.lengths))

    def _entry_weights(self, histories: Histories) -> Float64Array:
        last = (places_from_the_end(histories) == 0) & (histories.values > 0)
        return np.asarray(last, np.float64)

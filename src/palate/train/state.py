"""Where a training stands: all that it must know to go on, beside weights and optimiser."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Self

__all__ = ["EpochRecord", "TrainState", "Trained"]


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """What came of one epoch.

    Attributes:
        epoch: From 1.
        loss: Mean over its batches, each weighed by its rows; of the first process's share.
        value: The validation value, higher is better; None without validation.
        rows_per_s: Rows trained on a second, of all processes, validation left out.
    """

    epoch: int
    loss: float
    value: float | None
    rows_per_s: float


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of a training.

    Attributes:
        epoch: The best one, from 1, whose weights the net has; without validation the last.
        value: Its validation value; None without validation.
        history: A record an epoch, in order.
        steps: Of the optimiser, in all.
    """

    epoch: int
    value: float | None
    history: list[EpochRecord]
    steps: int


@dataclass(slots=True)
class TrainState:
    """Where a training stands.

    Attributes:
        epoch: Under way, from 1.
        batch: Of that epoch, to be taken next, from 0.
        loss_sum: Of the epoch's batches so far, each times its rows.
        rows: Of the epoch so far, in this process.
        seconds: Spent on them.
        steps: Of the optimiser, in all.
        best_epoch: The best so far; 0 before there is one.
        best_value: Its validation value.
        finished: Nothing is left to do.
        history: A record of each epoch that has ended.
    """

    epoch: int = 1
    batch: int = 0
    loss_sum: float = 0.0
    rows: int = 0
    seconds: float = 0.0
    steps: int = 0
    best_epoch: int = 0
    best_value: float | None = None
    finished: bool = False
    history: list[EpochRecord] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Self:
        """What `to_json` gave."""
        return cls(**said | {"history": [EpochRecord(**one) for one in said["history"]]})

    def close_epoch(self, value: float | None, *, processes: int) -> bool:
        """Record the epoch that has ended, and stand before the next.

        Args:
            value: The validation value; None without validation.
            processes: That trained on as many rows each.

        Returns:
            Whether it was the best so far; without validation the last always is.
        """
        rate = self.rows * processes / self.seconds if self.seconds > 0 else 0.0
        self.history.append(EpochRecord(self.epoch, self.loss_sum / self.rows, value, rate))
        best = value is None or self.best_value is None or value > self.best_value
        if best:
            self.best_epoch, self.best_value = self.epoch, value
        self.epoch += 1
        self.batch, self.rows, self.loss_sum, self.seconds = 0, 0, 0.0, 0.0
        return best

    def trained(self) -> Trained:
        """What has come of it."""
        return Trained(self.best_epoch, self.best_value, list(self.history), self.steps)

"""The course of one request through its stages: time, fallbacks, and what is said of both."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import msgspec

from palate.errors import PalateError
from palate.pipeline.breaker import Breaker

__all__ = ["STAGE_FAULTS", "Clock", "Course", "Degraded", "Late", "Step"]

T = TypeVar("T")
Clock = Callable[[], float]  # seconds, never falling

# What a stage may raise that must not end a request: indexes, nets and stores come from anywhere.
STAGE_FAULTS: Final[tuple[type[Exception], ...]] = (
    PalateError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)

logger = logging.getLogger(__name__)


class Degraded(msgspec.Struct, frozen=True):
    """A stage that did not do its work, so that the answer is less than what was meant."""

    stage: str
    why: str


class Late(msgspec.Struct, frozen=True):
    """A stage that took longer than its budget; its work is in the answer all the same."""

    stage: str
    ms: float
    budget_ms: float


class Step(msgspec.Struct, frozen=True):
    """A stage that ran.

    Attributes:
        stage: Its name.
        ms: How long it took.
        budget_ms: How long it may take.
        items: How many candidates there were afterwards; -1 where that says nothing.
    """

    stage: str
    ms: float
    budget_ms: float
    items: int = -1


class Course:
    """One request's way through the stages.

    Args:
        clock: In seconds.
        budget_ms: Of the whole request: afterwards, optional stages are skipped.
        breakers: Of the pipeline's stages, by name; a stage without one never rests.
        budgets_ms: Of stages, by name; a stage that is not there has as much as the request.
            Work that takes longer counts, is noted, and is held against the stage.

    Attributes:
        degraded: Stages that did less than their work, each once.
        late: Stages that took longer than their budgets, each time.
        steps: Stages that ran, each time.
    """

    def __init__(
        self,
        clock: Clock,
        budget_ms: float,
        breakers: Mapping[str, Breaker],
        budgets_ms: Mapping[str, float],
    ) -> None:
        self._clock = clock
        self._budget_ms = budget_ms
        self._ends = clock() + budget_ms / 1e3
        self._breakers = breakers
        self._budgets_ms = budgets_ms
        self.degraded: list[Degraded] = []
        self.late: list[Late] = []
        self.steps: list[Step] = []

    @property
    def in_time(self) -> bool:
        """Whether some of the request's budget is left."""
        return self._clock() < self._ends

    def attempt(
        self,
        stage: str,
        work: Callable[[], T],
        fallback: Callable[[], T],
        *,
        optional: bool = True,
    ) -> T:
        """What `work` gives; what `fallback` gives where it fails, rests, or has no time left.

        Args:
            stage: Its name.
            work: Of the stage.
            fallback: Must not fail.
            optional: Whether it can be left out: it rests after several faults in a row, and is
                skipped once the request's budget is gone.
        """
        begun = self._clock()
        breaker: Breaker | None = None
        if optional:
            if begun >= self._ends:
                self.fell_back(stage, f"skipped: the request's {self._budget_ms:g} ms were gone")
                return fallback()
            breaker = self._breakers.get(stage)
            if breaker is not None and breaker.rests(begun):
                self.fell_back(stage, "rests: it failed or overran several times in a row")
                return fallback()
        try:
            result = work()
        except STAGE_FAULTS as error:
            self._failed(stage, error, breaker)
            return fallback()
        now = self._clock()
        took_ms = (now - begun) * 1e3
        budget_ms = self._budgets_ms.get(stage, self._budget_ms)
        self.steps.append(Step(stage, took_ms, budget_ms))
        if took_ms > budget_ms:
            self.late.append(Late(stage, took_ms, budget_ms))
            if breaker is not None:
                breaker.went_wrong(now)
        elif breaker is not None:
            breaker.went_well()
        return result

    def left(self, stage: str, items: int) -> None:
        """Note how many candidates there were after a stage, if it is the one that just ran."""
        if self.steps and (last := self.steps[-1]).stage == stage:
            self.steps[-1] = Step(stage, last.ms, last.budget_ms, items)

    def fell_back(self, stage: str, why: str) -> None:
        """Note, once a stage, that something less than the stage's work was done."""
        if all(noted.stage != stage for noted in self.degraded):
            self.degraded.append(Degraded(stage, why))

    def _failed(self, stage: str, error: Exception, breaker: Breaker | None) -> None:
        if isinstance(error, PalateError):
            logger.warning("stage %s failed: %s", stage, error)
        else:
            logger.error("stage %s failed", stage, exc_info=error)
        if breaker is not None:
            breaker.went_wrong(self._clock())
        self.fell_back(stage, f"failed: {type(error).__name__}")

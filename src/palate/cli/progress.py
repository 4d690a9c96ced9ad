"""A progress bar for the `Progress` callable; it appears only when something takes a while."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

__all__ = ["ProgressBar"]

PATIENCE_S = 0.4  # nothing flickers for work that is over sooner


class ProgressBar:
    """Shows (done, total, what) as one bar on stderr, and leaves nothing behind."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: TaskID | None = None
        self._started = time.monotonic()

    def __call__(self, done: int, total: int, what: str) -> None:
        """Take one report; `total` 0 means that nobody knows."""
        if self._task is None:
            if time.monotonic() - self._started < PATIENCE_S:
                return
            self._bar.start()
            self._task = self._bar.add_task(what)
        self._bar.update(self._task, completed=done, total=total or None, description=what)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._bar.stop()

"""The demo's voice: numbered steps, what each found, and how long it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from palate.cli.layout import ago
from palate.cli.terminal import Terminal

__all__ = ["Steps"]

INDENT = "   "
WIDTH = 76


class Steps:
    """Prints a step's title when it begins and its seconds when it ends.

    Attributes:
        seconds: What each finished step took, by title.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._count = 0
        self._lines: list[str] = []
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, title: str) -> Iterator[Steps]:
        """One step; its lines are printed under its title once it is over."""
        self._count += 1
        self._lines = []
        started = time.monotonic()
        yield self
        took = self.seconds[title] = time.monotonic() - started
        head = f"{self._count}  {title}"
        padding = " " * (WIDTH - len(head) - len(ago(took)))
        lines = [f"{INDENT}{line}".rstrip() for line in self._lines]
        shown = self._terminal.style(head, err=self._terminal.json)
        self._terminal.tell("\n".join(["", f"{shown}{padding}{ago(took)}", *lines]))

    def tell(self, text: str) -> None:
        """Lines under the current step's title."""
        self._lines += text.splitlines() or [""]

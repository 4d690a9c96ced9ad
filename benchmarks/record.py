"""One measured figure with all that is needed to trust it, and files of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

__all__ = ["Record", "number", "ratio_of", "read", "write"]

STEADY = 1.5  # the slowest of several runs over the fastest; more, and the machine was busy


@dataclass(frozen=True, kw_only=True)
class Record:
    """A figure.

    Attributes:
        name: `subject/figure`, distinct within a file.
        value: Ours; the median where several runs were made.
        unit: `s`, `ms`, `us`, `1/s`, `MiB`; empty for a plain number.
        higher_is_better: Its direction.
        target: What is asked of the value or of the ratio; None where nothing is.
        target_is: Which of the two.
        peer: Name and version of what it is compared with.
        peer_value: The peer's, measured in the same run.
        ratio: How many times better ours is; above 1 is better, whatever the direction.
        low: Lower end of `spread`.
        high: Upper end of `spread`.
        spread: What low and high are: a confidence `interval`, or the `range` of the runs.
        versions: Of Python, Palate and what it computes with, and of the peer's environment.
        machine: System, processor, cores.
        seconds: How long the script took that measured it.
        peer_low: Fastest or least run of the peer, where there were several.
        peer_high: Its slowest or largest.
    """

    name: str
    value: float
    unit: str
    higher_is_better: bool
    target: float | None = None
    target_is: Literal["value", "ratio"] = "value"
    peer: str | None = None
    peer_value: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    spread: Literal["interval", "range"] | None = None
    versions: dict[str, str] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    peer_low: float | None = None
    peer_high: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none. NaN reaches nothing."""
        if self.target is None:
            return None
        if self.target_is == "ratio":
            return self.ratio is not None and self.ratio >= self.target
        if self.higher_is_better:
            return self.value >= self.target
        return self.value <= self.target

    @property
    def steady(self) -> bool:
        """Whether the runs of each side agree within `STEADY`, so that their median says much.

        It looks at neither the target nor the ratio: a run is not kept for its outcome.
        """
        if self.spread != "range":
            return True
        sides = ((self.low, self.high), (self.peer_low, self.peer_high))
        return all(
            high <= STEADY * low for low, high in sides if low is not None and high is not None
        )


def ratio_of(value: float, peer_value: float, *, higher_is_better: bool) -> float:
    """How many times better `value` is than `peer_value`; NaN where that means nothing."""
    above, below = (value, peer_value) if higher_is_better else (peer_value, value)
    return above / below if below > 0 else math.nan


def read(path: Path) -> list[Record]:
    """What `write` wrote."""
    return [Record(**raw) for raw in json.loads(path.read_text())]


def write(path: Path, records: Iterable[Record]) -> None:
    """As JSON; NaN is refused, since a figure that is none must not be kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(record) for record in records], indent=1, allow_nan=False)
    path.write_text(text + "\n")


def number(value: float) -> str:
    """Four significant digits, without a tail of zeros."""
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"

"""What the page says beside the rankings: figures beyond accuracy, protocol, data, machine."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from palate.evaluate.comparison import Comparison
from palate.evaluate.judgement import Judgement
from palate.evaluate.ratings import UNPREDICTED
from palate.metrics import metric

__all__ = ["BeyondRow", "Column", "Facts", "beyond", "configs", "facts"]

UNKNOWN = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Column:
    """One figure beyond accuracy."""

    name: str
    label: str
    description: str


@dataclass(frozen=True, slots=True)
class BeyondRow:
    """One model's figures, in the order of the columns."""

    name: str
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class Facts:
    """A titled list of what was set or found."""

    title: str
    rows: Sequence[tuple[str, str]]


def beyond(comparison: Comparison) -> tuple[list[Column], list[BeyondRow]]:
    """Columns that at least one model has, and a row for each judged model."""
    protocol = comparison.protocol
    found = [_values(judgement, protocol.metrics) for _, judgement in comparison.judged]
    names = list(dict.fromkeys(name for values in found for name in values))
    columns = [Column(n, protocol.short_label(n), _describe(n)) for n in names]
    decimals = {n: _decimals([values[n] for values in found if n in values]) for n in names}
    rows = [
        BeyondRow(
            row.name,
            [f"{values[n]:.{decimals[n]}f}" if n in values else UNKNOWN for n in names],
        )
        for (row, _), values in zip(comparison.judged, found, strict=True)
    ]
    return columns, rows if names else []


def configs(comparison: Comparison) -> list[tuple[str, str]]:
    """Each model's name and its hyperparameters as JSON."""
    return [
        (row.name, json.dumps({"model": row.model, **row.config}, default=str))
        for row in comparison.rows
    ]


def facts(comparison: Comparison) -> list[Facts]:
    """Protocol, data and machine."""
    return [_protocol(comparison), _data(comparison), _machine(comparison)]


def _values(judgement: Judgement, shown: Sequence[str]) -> dict[str, float]:
    means = {n: i.estimate for n, i in judgement.intervals.items() if n not in shown}
    return {**means, **judgement.figures}


def _describe(name: str) -> str:
    if name == UNPREDICTED:
        return "Share of test ratings without a prediction; the mean rating took its place."
    return metric(name).description


def _decimals(values: Sequence[float]) -> int:
    """How many a column needs to show about four digits of its largest value."""
    largest = max(abs(value) for value in values)
    return 4 if largest < 2 else max(0, 3 - int(math.log10(largest)))


def _protocol(comparison: Comparison) -> Facts:
    protocol = comparison.protocol
    relevant = "every test item" if protocol.min_value is None else f"value {protocol.min_value:g}+"
    return Facts(
        "Protocol",
        [
            ("Split", protocol.split_words),
            ("Cut-off k", str(protocol.k)),
            ("Relevant", relevant),
            ("Seen items", "left out" if protocol.exclude_seen else "allowed"),
            ("Users without predictions", "count zero"),
            ("Intervals", f"{protocol.level:.0%}, {protocol.rounds:,} bootstrap rounds over users"),
            ("Tests", "paired t (sign flips under 100 users), Holm"),
            ("Seed", str(protocol.seed)),
            ("Hash", protocol.hash[:12]),
        ],
    )


def _data(comparison: Comparison) -> Facts:
    data = comparison.data
    return Facts(
        "Data",
        [
            ("Name", data.name),
            ("Users", f"{data.users:,}"),
            ("Items", f"{data.items:,}"),
            ("Training interactions", f"{data.train_rows:,}"),
            ("Test interactions", f"{data.test_rows:,}"),
            ("Users judged", f"{len(comparison.background.activity):,}"),
            ("SHA-256", data.checksum[:12]),
        ],
    )


def _machine(comparison: Comparison) -> Facts:
    environment = comparison.environment
    memory = [] if environment.memory_gib is None else [f"{environment.memory_gib:g} GiB"]
    return Facts(
        "Machine and versions",
        [
            ("System", environment.system),
            ("Processor", environment.processor),
            ("Cores, memory", ", ".join([str(environment.cores), *memory])),
            ("Python", environment.python),
            *environment.versions.items(),
        ],
    )

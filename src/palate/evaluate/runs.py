"""Every run is on record: what was judged, on which data, by which protocol, with what result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from palate.errors import DataError
from palate.evaluate.comparison import Comparison, Row
from palate.evaluate.environment import Environment
from palate.evaluate.protocol import Protocol
from palate.stats import Interval
from palate.store.database import Database, Parameters

__all__ = ["Run", "Runs", "open_runs"]

REGISTRY = "registry.sqlite"

_TABLES = (
    """CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        started_at TEXT NOT NULL,
        name TEXT NOT NULL,
        model TEXT NOT NULL,
        protocol_hash TEXT NOT NULL,
        data_checksum TEXT NOT NULL,
        record TEXT NOT NULL CHECK (json_valid(record))
    )""",
    "CREATE INDEX runs_by_name ON runs (name, id)",
)


class Run(BaseModel):
    """One model judged once.

    Attributes:
        id: Grows with every run.
        started_at: UTC, when the comparison began.
        name: As the comparison called it.
        model: Its registered name.
        config: Its hyperparameters.
        protocol: What it was judged by; `protocol.hash` says whether two runs compare.
        data_name: Of the dataset.
        data_checksum: SHA-256 over train and test.
        metrics: Means over users with their intervals.
        figures: Numbers of the model as a whole.
        fit_s: Seconds.
        recommend_s: Seconds for all judged users.
        memory_mib: Peak above the start; None where unknown.
        environment: Machine and versions.
        error: Why it failed; None where it did not.
    """

    model_config = ConfigDict(frozen=True)

    id: int
    started_at: datetime
    name: str
    model: str
    config: dict[str, Any]
    protocol: Protocol
    data_name: str
    data_checksum: str
    metrics: dict[str, Interval]
    figures: dict[str, float]
    fit_s: float | None
    recommend_s: float | None
    memory_mib: float | None
    environment: Environment
    error: str | None


class Runs:
    """The record of runs in the registry database; nothing is ever changed in it.

    Args:
        database: Of a Palate home.

    Raises:
        StoreError: The database was written by a newer version, or is damaged.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.migrate("runs", _TABLES)

    def record(self, comparison: Comparison) -> list[Run]:
        """Put every row of `comparison` on record, in one transaction, failures included."""
        kept = []
        with self._database.transaction() as connection:
            for row in comparison.rows:
                record = _record(comparison, row)
                cursor = connection.execute(
                    "INSERT INTO runs (started_at, name, model, protocol_hash, data_checksum,"
                    " record) VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        comparison.started_at.isoformat(),
                        row.name,
                        row.model,
                        comparison.protocol.hash,
                        comparison.data.checksum,
                        json.dumps(record, allow_nan=False),
                    ),
                )
                kept.append(Run.model_validate({**record, "id": cursor.lastrowid}))
        return kept

    def get(self, run_id: int) -> Run:
        """The run with this id.

        Raises:
            DataError: There is none.
        """
        found = self._select("WHERE id = ?", (run_id,))
        if not found:
            raise DataError(f"no run has the id {run_id}", hint="list the runs to see their ids")
        return found[0]

    def recent(self, limit: int = 50, *, name: str | None = None) -> list[Run]:
        """The newest runs, newest first.

        Args:
            limit: At most so many.
            name: Only runs of the model that comparisons called so.
        """
        if name is None:
            return self._select("ORDER BY id DESC LIMIT ?", (limit,))
        return self._select("WHERE name = ? ORDER BY id DESC LIMIT ?", (name, limit))

    def _select(self, rest: str, parameters: Parameters) -> list[Run]:
        rows = self._database.query(f"SELECT id, record FROM runs {rest}", parameters)
        return [Run.model_validate({**json.loads(row["record"]), "id": row["id"]}) for row in rows]


def open_runs(home: Path) -> Runs:
    """The runs on record in a Palate home."""
    return Runs(Database(home / REGISTRY))


def _record(comparison: Comparison, row: Row) -> dict[str, Any]:
    """What `Run` reads, as JSON."""
    judgement = row.judgement
    intervals: Mapping[str, Interval] = judgement.intervals if judgement is not None else {}
    return {
        "started_at": comparison.started_at.isoformat(),
        "name": row.name,
        "model": row.model,
        "config": dict(row.config),
        "protocol": comparison.protocol.model_dump(mode="json"),
        "data_name": comparison.data.name,
        "data_checksum": comparison.data.checksum,
        "metrics": {
            name: {"estimate": i.estimate, "low": i.low, "high": i.high, "level": i.level}
            for name, i in intervals.items()
        },
        "figures": dict(judgement.figures) if judgement is not None else {},
        "fit_s": row.fit_s,
        "recommend_s": judgement.recommend_s if judgement is not None else None,
        "memory_mib": row.memory_mib,
        "environment": comparison.environment.model_dump(mode="json"),
        "error": row.error,
    }

"""Whole snapshots published by the indexer and loaded by every worker while people ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import Bench
from palate.config import Settings

__all__ = ["LOADED", "REFRESH_S", "loaded_since", "often_refreshed", "report_reloads"]

REFRESH_S = 20.0  # between two snapshots of a space, where 600 s are usual
LOADED = "answering from snapshot"  # what a worker says


def often_refreshed(settings: Settings) -> Settings:
    """The same with a snapshot of each space every `REFRESH_S`, loaded by workers in turn."""
    given = {name: one for name, one in settings.retrieval.items() if name != "stagger_s"}
    return settings.model_copy(update={"retrieval": {**given, "refresh_s": REFRESH_S}})


def loaded_since(log: Path, begun: int) -> int:
    """How many snapshots workers say they loaded, behind so many bytes of the service's log."""
    with log.open("rb") as file:
        file.seek(begun)
        return file.read().count(LOADED.encode())


def report_reloads(bench: Bench, figures: dict[str, Any], loaded: int) -> None:
    """Figures of the load, and how many snapshots were loaded by a worker meanwhile.

    Raises:
        SystemExit: None was.
    """
    if not loaded:
        raise SystemExit("no worker loaded a snapshot while it was measured")
    name = "realtime/new snapshots loaded by a worker"
    bench.add(name, float(loaded), higher_is_better=True)
    failed = float(figures["failed"] + figures["lost"])
    name = "realtime/answers failed or lost while snapshots are published and loaded"
    bench.add(name, failed, higher_is_better=False, target=0.0)
    degraded = float(figures["degraded"])
    bench.add("realtime/answers degraded meanwhile", degraded, higher_is_better=False)
    name = "realtime/p99 while snapshots are published and loaded"
    bench.add(name, figures["p99_ms"], unit="ms", higher_is_better=False)

"""What the speed benchmarks of factor models share: the sets, and quality beside seconds."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness import Bench, Side
from inputs import stratified75
from palate.stats.difference import differences
from peers import Peer
from sets import export_rows, gowalla

__all__ = ["K", "measured", "record_fit", "record_quality"]

K = {"ml-1m": 10, "gowalla-lightgcn": 20}
Z = 1.96  # of a 95 % interval


def measured(bench: Bench, data: str, sides: Mapping[str, Side]) -> dict[str, list[dict[str, Any]]]:
    """The figures of all runs, by side."""
    split = gowalla() if data == "gowalla-lightgcn" else stratified75(data)
    with tempfile.TemporaryDirectory(prefix="palate-bench-") as temporary:
        export_rows(split, Path(temporary))
        return bench.in_turn(sides, Path(temporary))


def record_fit(
    bench: Bench,
    name: str,
    ours: list[dict[str, Any]],
    theirs: list[dict[str, Any]],
    *,
    peer: Peer,
    target: float,
) -> None:
    """Seconds of fitting on both sides."""
    seconds = [[run["fit_s"] for run in runs] for runs in (ours, theirs)]
    bench.compare(name, *seconds, peer=peer, unit="s", target=target)


def record_quality(
    bench: Bench,
    name: str,
    ours: list[dict[str, Any]],
    theirs: list[dict[str, Any]],
    *,
    peer: Peer,
) -> None:
    """Mean NDCG over users, of the first run; asked is that it is no worse than the peer's.

    It is worse if the 95 % interval of the difference, paired by user, is below 0. Two
    solvers of one problem that start elsewhere differ by less than that, to either side.
    """
    a, b = (np.array(runs[0]["gains"]) for runs in (ours, theirs))
    apart = differences(a, b)
    within = Z * float(apart.std(ddof=1)) / np.sqrt(len(apart))
    peer_value = float(b.mean())
    bench.add(
        name,
        float(a.mean()),
        higher_is_better=True,
        target=peer_value - within,
        peer=(peer, peer_value),
    )

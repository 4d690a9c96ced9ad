"""Checks of the machine: threads, disk, clock."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from palate.cli.doctor.finding import Finding, fail, ok, warn

__all__ = ["check_clock", "check_disk", "check_threads"]

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
LITTLE_FREE_BYTES = 1 << 30
LEAST_FREE_BYTES = 64 << 20
EPOCH = datetime(2024, 1, 1, tzinfo=UTC).timestamp()  # no clock that is right shows less


def check_threads() -> Iterator[Finding]:
    """How many threads linear algebra takes; too many of them stall each other."""
    cores = os.cpu_count() or 1
    named = {name: os.environ[name] for name in THREADS if os.environ.get(name)}
    found = f"{cores} cores, " + (
        ", ".join(f"{name}={value}" for name, value in named.items())
        if named
        else "BLAS takes them all (OMP_NUM_THREADS is not set)"
    )
    crowded = [value for value in named.values() if value.isdigit() and int(value) > cores]
    if crowded:
        yield warn("threads", found, hint=f"export OMP_NUM_THREADS={cores}")
    else:
        yield ok("threads", found)


def check_disk(home: Path) -> Iterator[Finding]:
    """Space where home is, or will be."""
    place = next(p for p in (home, *home.parents) if p.exists())
    free = shutil.disk_usage(place).free
    found = f"{free / 1e9:,.1f} GB free at {place}"
    if free < LEAST_FREE_BYTES:
        yield fail("disk", found, hint="free some space: events will soon be refused")
    elif free < LITTLE_FREE_BYTES:
        yield warn("disk", found, hint="free some space: the log and each release need it")
    else:
        yield ok("disk", found)


def check_clock() -> Iterator[Finding]:
    """A clock that is far off spoils time decay and the order of events."""
    now = time.time()
    found = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    if now < EPOCH:
        yield fail("clock", f"{found} is in the past", hint="set the clock: timedatectl")
    else:
        yield ok("clock", found)

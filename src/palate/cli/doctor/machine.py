"""Checks of the machine: versions, threads, disk, clock, port."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from palate import __version__
from palate.cli.doctor.finding import Finding, fail, ok, warn

if TYPE_CHECKING:
    from palate.config import Settings

__all__ = [
    "check_clock",
    "check_disk",
    "check_extras",
    "check_port",
    "check_threads",
    "check_versions",
]

NEEDED = ("numpy", "scipy", "numba", "polars", "pydantic", "msgspec")
SERVING = ("lmdb", "starlette", "uvicorn")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
LEAST_FREE_BYTES = 1 << 30
EPOCH = datetime(2024, 1, 1, tzinfo=UTC).timestamp()  # no clock that is right shows less


def check_versions() -> Iterator[Finding]:
    """Palate, Python, and the packages that decide about speed."""
    yield ok("palate", f"{__version__} on Python {platform.python_version()}, {platform.machine()}")
    yield ok("packages", ", ".join(f"{name} {_version(name)}" for name in NEEDED))


def check_extras() -> Iterator[Finding]:
    """Whether `palate serve` can run."""
    missing = [name for name in SERVING if _version(name) == "missing"]
    if missing:
        yield warn(
            "serving",
            f"{', '.join(missing)} not installed: no online state, no service",
            hint="pip install 'palate[serve]'",
        )
    else:
        yield ok("serving", ", ".join(f"{name} {_version(name)}" for name in SERVING))


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


def check_port(settings: Settings) -> Iterator[Finding]:
    """Whether `palate serve` could listen, or does."""
    from palate.serve.lock import running_service

    running = running_service(settings.home) if settings.home.is_dir() else None
    if running is not None:
        yield ok("service", f"runs at {running.url or 'an address that is not known yet'}")
        return
    host, port = settings.serve.host, settings.serve.port
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            yield warn(
                "port",
                f"{host}:{port} cannot be listened on: {error.strerror}",
                hint="palate serve --port 0 takes any port that is free",
            )
            return
    yield ok("port", f"{host}:{port} is free")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "missing"
